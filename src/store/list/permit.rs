//! Limits how many listings run at once to the number of their connections.
//!
//! A listing waits for a permit and not for a connection. So if the wait times out, the server is busy; it does not mean that the
//! database does not answer.

use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use crate::store::connect::options::LISTING_WAIT;
use crate::store::{Error, Store};

impl Store {
    /// Waits until a listing may run. Hold the permit while it runs.
    ///
    /// # Errors
    /// [`Error::TooManyListings`] when no running listing ends in time.
    pub(in crate::store) async fn listing_permit(&self) -> Result<SemaphorePermit<'_>, Error> {
        // The semaphore is never closed.
        timeout(LISTING_WAIT, self.listing_permits.acquire())
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or(Error::TooManyListings)
    }
}
