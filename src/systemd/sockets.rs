//! Socket activation: listeners that the service manager opened before it started this process, so that a port below 1024 needs no
//! privilege, and connections wait in the backlog while the server restarts.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::socket::sockopt::{AcceptConn, SockType};
use nix::sys::socket::{self, getsockopt};

/// The names of a socket for the API: ours, and that of a socket without a name.
const API: [&str; 3] = ["api", "unknown", ""];
/// systemd names a socket after its unit unless `FileDescriptorName=` says otherwise, so such a name is for the API, too.
const UNIT: &str = ".socket";
const METRICS: &str = "metrics";

/// The listeners that were passed. They do not block.
#[derive(Debug, Default)]
pub struct PassedSockets {
    /// For the API.
    pub api: Option<TcpListener>,
    /// For the metrics.
    pub metrics: Option<TcpListener>,
}

/// Why the sockets that were passed cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableSocket {
    /// The variables of the protocol are malformed, or name descriptors that are not open.
    #[error(
        "Cannot take the sockets that the service manager passed: {0}. LISTEN_FDS must be the number of open descriptors from 3, and \
         LISTEN_FDNAMES one name for each, separated by colons."
    )]
    Protocol(io::Error),
    /// It has no purpose here.
    #[error(
        "The service manager passed a socket named {0:?}. Set FileDescriptorName= in its .socket unit to api or metrics; without a name, \
         a socket is for the API."
    )]
    Name(String),
    /// There are two for one purpose.
    #[error(
        "The service manager passed two sockets for the {0}. Name only one ListenStream= for it; [::]:PORT also accepts IPv4."
    )]
    Twice(&'static str),
    /// It does not accept TCP connections.
    #[error(
        "The service manager passed a socket for the {0} that does not listen for TCP connections. Set ListenStream= to an address and a port, and Accept=no."
    )]
    Kind(&'static str),
    /// The operating system refuses to prepare it.
    #[error("Cannot use the socket that the service manager passed for the {0}: {1}.")]
    Io(&'static str, io::Error),
}

/// Takes the sockets that were passed to this process. There are none the second time, because each has one owner. Call it before anything
/// opens a descriptor: if fewer were passed than the variables say, that one would be taken for a socket.
///
/// # Errors
/// When one of them cannot be used.
pub fn passed_sockets() -> Result<PassedSockets, UnusableSocket> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Ok(PassedSockets::default());
    }
    // This library also checks that the descriptors are open and keeps them from child processes; only the other one hands them over.
    let names: Vec<_> =
        sd_notify::listen_fds_with_names().map_err(UnusableSocket::Protocol)?.map(|(_, name)| name).collect();
    let malformed =
        |err: sd_listen_fds::Error| UnusableSocket::Protocol(io::Error::new(io::ErrorKind::InvalidInput, err));
    let sockets = sd_listen_fds::get().map_err(malformed)?.into_iter().map(|(_, socket)| socket.into_std());
    let mut passed = PassedSockets::default();
    for (name, socket) in names.into_iter().zip(sockets) {
        let (purpose, place) = match name.as_str() {
            METRICS => ("metrics", &mut passed.metrics),
            name if API.contains(&name) || name.ends_with(UNIT) => ("API", &mut passed.api),
            _ => return Err(UnusableSocket::Name(name)),
        };
        if place.is_some() {
            return Err(UnusableSocket::Twice(purpose));
        }
        *place = Some(listener(purpose, socket)?);
    }
    Ok(passed)
}

fn listener(purpose: &'static str, socket: OwnedFd) -> Result<TcpListener, UnusableSocket> {
    let listens = getsockopt(&socket, AcceptConn).unwrap_or(false);
    let streams = getsockopt(&socket, SockType) == Ok(socket::SockType::Stream);
    let listener = TcpListener::from(socket);
    // A socket of another family than IPv4 and IPv6 has no such address.
    if !listens || !streams || listener.local_addr().is_err() {
        return Err(UnusableSocket::Kind(purpose));
    }
    listener.set_nonblocking(true).map_err(|cause| UnusableSocket::Io(purpose, cause))?;
    Ok(listener)
}
