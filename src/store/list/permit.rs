//! How many listings run at once: as many as there are connections for them.
//!
//! A listing waits for a permit, not for a connection: a wait that times out then means a busy server, and never a database that
//! does not answer.

use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use crate::store::connect::options::LISTING_WAIT;
use crate::store::{Error, Store};

impl Store {
    /// Waits until a listing may run. It may for as long as the permit is held.
    ///
    /// # Errors
    /// [`Error::TooManyListings`] when none of those that are running ends in time.
    pub(in crate::store) async fn listing_permit(&self) -> Result<SemaphorePermit<'_>, Error> {
        // The semaphore is never closed.
        timeout(LISTING_WAIT, self.listing_permits.acquire())
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or(Error::TooManyListings)
    }
}
