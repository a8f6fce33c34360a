//! The listeners of the server: those that the service manager passed, and ports that the server binds.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::errno::Errno;
use tokio::net::TcpListener;

use crate::config::Listen;
use crate::systemd::PassedSockets;

use super::error::Error;

/// The listeners of the server.
#[derive(Debug)]
pub struct Listeners {
    /// The API.
    pub api: TcpListener,
    /// The metrics. Without it, they are on the port of the API.
    pub metrics: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(api: TcpListener) -> Self {
        Self { api, metrics: None }
    }
}

impl Listeners {
    /// The sockets that were passed, and listeners at these addresses for what was not passed.
    ///
    /// # Errors
    /// When a port cannot be bound, or a host name has no address.
    pub async fn open(passed: PassedSockets, listen: Listen, metrics_listen: Option<Listen>) -> Result<Self, Error> {
        let api = match passed.api {
            Some(socket) => TcpListener::from_std(socket)?,
            None => bind(listen).await?,
        };
        let metrics = match (passed.metrics, metrics_listen) {
            (Some(socket), _) => Some(TcpListener::from_std(socket)?),
            (None, Some(listen)) => Some(bind_as("--metrics-listen", listen).await?),
            (None, None) => None,
        };
        Ok(Self { api, metrics })
    }
}

/// Binds the port. `[::]` stands for all addresses, also where the kernel has no IPv6. A host name stands for the first of its addresses, IPv4 before IPv6, because some clients only try IPv4.
///
/// # Errors
/// When the port cannot be bound, or the host name has no address.
pub async fn bind(listen: Listen) -> Result<TcpListener, Error> {
    bind_as("--listen", listen).await
}

async fn bind_as(flag: &'static str, listen: Listen) -> Result<TcpListener, Error> {
    let bound = match &listen {
        Listen::Address(address) => match TcpListener::bind(address).await {
            Err(err) if address.ip() == Ipv6Addr::UNSPECIFIED && lacks_ipv6(&err) => {
                tracing::info!(name: "ipv6_missing", %address, "there is no IPv6 here: listening on all IPv4 addresses");
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
            }
            bound => bound,
        },
        Listen::Name(name, port) => match tokio::net::lookup_host((name.as_str(), *port)).await {
            Ok(addresses) => {
                let mut addresses: Vec<SocketAddr> = addresses.collect();
                addresses.sort_by_key(SocketAddr::is_ipv6);
                TcpListener::bind(addresses.as_slice()).await
            }
            Err(err) => Err(err),
        },
    };
    bound.map_err(|source| Error::Listen { flag, address: listen, source })
}

/// Whether a socket of IPv6 cannot be created, as where it is turned off by `ipv6.disable=1`.
fn lacks_ipv6(err: &io::Error) -> bool {
    err.raw_os_error() == Some(Errno::EAFNOSUPPORT as i32)
}
