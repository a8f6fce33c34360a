//! Looking up names.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
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
pub struct SystemResolver(Arc<Lookups>);

impl Default for SystemResolver {
    fn default() -> Self {
        let system = |name: String| -> Lookup {
            Box::pin(async move {
                Ok(lookup_host((name.as_str(), 0)).await?.map(|address| address.ip()).take(MAX_ADDRESSES).collect())
            })
        };
        Self(Arc::new(Lookups::new(system)))
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, name: String, port: u16) -> Resolving {
        let lookup = self.0.clone().find(name);
        Box::pin(async move {
            let found = timeout(TIMEOUT, lookup).await.unwrap_or(Err(io::ErrorKind::TimedOut))?;
            Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
        })
    }
}

/// One lookup of a name.
type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
/// A lookup that is running, which all who ask for the name wait for.
type Running = Shared<Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, io::ErrorKind>> + Send>>>;

/// The lookups that are running: one for each name. So a name that DNS does not answer takes one of the threads, however often it is asked
/// for, and leaves the others to other names.
struct Lookups {
    look_up: Box<dyn Fn(String) -> Lookup + Send + Sync>,
    permits: Semaphore,
    running: Mutex<HashMap<String, Running>>,
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookups(…)")
    }
}

impl Lookups {
    fn new(look_up: impl Fn(String) -> Lookup + Send + Sync + 'static) -> Self {
        Self { look_up: Box::new(look_up), permits: Semaphore::new(MAX_LOOKUPS), running: Mutex::default() }
    }

    /// The lookup of this name, which is begun unless it is running.
    fn find(self: Arc<Self>, name: String) -> Running {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookup) = running.get(&name) {
            return lookup.clone();
        }
        let over = Over { lookups: self.clone(), name: name.clone() };
        // In a task, which keeps the permit for as long as the thread is occupied.
        let task = tokio::spawn(async move {
            let Over { lookups, name } = &over;
            let _permit = lookups.permits.acquire().await;
            (lookups.look_up)(name.clone()).await.map_err(|cause| cause.kind())
        });
        let lookup: Running = async move { task.await.unwrap_or(Err(io::ErrorKind::Other)) }.boxed().shared();
        running.insert(name, lookup.clone());
        lookup
    }
}

/// Ends the lookup of a name when it is dropped, however that comes.
struct Over {
    lookups: Arc<Lookups>,
    name: String,
}

impl Drop for Over {
    fn drop(&mut self) {
        self.lookups.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_name_that_is_never_answered_takes_one_lookup_and_others_are_found() {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        let look_up = move |name: String| -> Lookup {
            count.fetch_add(1, Ordering::Relaxed);
            if name == "dead.example" {
                return Box::pin(std::future::pending());
            }
            Box::pin(async { Ok(vec![Ipv4Addr::LOCALHOST.into()]) })
        };
        let lookups = Arc::new(Lookups::new(look_up));
        let dead: Vec<Running> =
            (0..10 * MAX_LOOKUPS).map(|_| lookups.clone().find("dead.example".to_owned())).collect();
        for number in 0..2 * MAX_LOOKUPS {
            let name = format!("{number}.example");
            let found = timeout(TIMEOUT, lookups.clone().find(name)).await.expect("another name waits");
            assert_eq!(found, Ok(vec![Ipv4Addr::LOCALHOST.into()]));
        }
        assert_eq!(begun.load(Ordering::Relaxed), 1 + 2 * MAX_LOOKUPS);
        assert!(dead.iter().all(|lookup| lookup.peek().is_none()));
        // A lookup that is over is not kept: the next one asks again.
        assert_eq!(lookups.running.lock().unwrap().len(), 1);
    }
}
