//! Connecting to an address that is allowed.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use super::error::Error;
use super::resolve::Resolve;

/// How long one address may take to accept a connection, so that there is time for the next one.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to the first address of the URL's host that is allowed and accepts one. The name is looked up once: what was asked about is
/// what is connected to, so a second answer of DNS cannot replace it.
pub(super) async fn connect(
    url: &Url,
    resolver: &dyn Resolve,
    may_connect: impl Fn(IpAddr) -> bool,
) -> Result<TcpStream, Error> {
    let port = url.port_or_known_default().ok_or(Error::Request)?;
    let addresses = match url.host().ok_or(Error::Request)? {
        Host::Ipv4(address) => vec![SocketAddr::new(address.into(), port)],
        Host::Ipv6(address) => vec![SocketAddr::new(address.into(), port)],
        Host::Domain(name) => resolver.resolve(name.to_owned(), port).await.map_err(Error::Resolve)?,
    };
    if addresses.is_empty() {
        return Err(Error::Resolve(io::ErrorKind::NotFound.into()));
    }
    let mut failure = Error::Refused;
    for address in addresses.into_iter().filter(|address| may_connect(address.ip())) {
        let connected = timeout(TIMEOUT, TcpStream::connect(address)).await;
        match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => return Ok(stream),
            Err(cause) => failure = Error::Connect(cause),
        }
    }
    Err(failure)
}
