//! Opening the database.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::clock::SharedClock;
use crate::config::DatabaseUrl;
use crate::entropy::SharedEntropy;
use crate::service::{Policy, Service};
use crate::store::{self, Store};

use super::error::Error;

/// Raises the limit of open files to the hard limit, because each connection is one. Returns the new limit.
pub fn raise_descriptor_limit() -> usize {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).map(|(soft, hard)| {
        let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        if raised.is_ok() { hard } else { soft }
    });
    // If the limit is unknown, assume the lowest one that is common on POSIX systems.
    usize::try_from(raised.unwrap_or(256)).unwrap_or(usize::MAX)
}

/// Opens the database and brings its schema up to date.
///
/// # Errors
/// When it cannot be opened or migrated.
pub async fn open(
    url: &DatabaseUrl,
    clock: SharedClock,
    entropy: SharedEntropy,
    policy: Policy,
) -> Result<Service, Error> {
    let store = Store::connect(url.as_str()).await?;
    store.migrate().await?;
    start(store, clock, entropy, policy).await
}

/// Opens an existing database, and brings its schema up to date.
///
/// # Errors
/// When it does not exist, or it cannot be opened or migrated.
pub async fn open_existing(
    url: &DatabaseUrl,
    clock: SharedClock,
    entropy: SharedEntropy,
    policy: Policy,
) -> Result<Service, Error> {
    let store = Store::connect_existing(url.as_str()).await?;
    store.require_schema().await?;
    store.migrate().await?;
    start(store, clock, entropy, policy).await
}

async fn start(store: Store, clock: SharedClock, entropy: SharedEntropy, policy: Policy) -> Result<Service, Error> {
    let place = store.place().to_owned();
    let service = Service::open(store, clock, entropy, policy).await;
    service.map_err(|cause| Error::Database(store::Error::Unsuitable(format!("{place}: {cause}."))))
}
