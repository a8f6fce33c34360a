//! Looking up names.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a lookup may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How many addresses of a name are used.
const MAX_ADDRESSES: usize = 16;
/// How many lookups run at once. Each occupies a thread until the system's resolver gives up, which is long after [`TIMEOUT`].
const MAX_LOOKUPS: usize = 32;

/// A source of addresses, which a test can replace.
pub trait Resolve: Send + Sync {
    /// The addresses of a name.
    fn resolve(&self, name: String, port: u16) -> Resolving;
}

/// The addresses, as soon as they are known.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// The resolver of the operating system.
#[derive(Debug)]
pub struct SystemResolver(Arc<Semaphore>);

impl Default for SystemResolver {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_LOOKUPS)))
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, name: String, port: u16) -> Resolving {
        let permits = self.0.clone();
        let lookup = async move {
            let permit = permits.acquire_owned().await.map_err(io::Error::other)?;
            // In a task, which keeps the permit for as long as the thread is occupied.
            let looked_up = tokio::spawn(async move {
                let addresses = lookup_host((name.as_str(), port)).await?.take(MAX_ADDRESSES).collect();
                drop(permit);
                Ok(addresses)
            });
            looked_up.await.map_err(io::Error::other)?
        };
        Box::pin(async { timeout(TIMEOUT, lookup).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) })
    }
}
