//! What is done even when the disk is full.

use crate::service::{Error, Service};

impl Service {
    /// Does what takes rights away, or what verifying a value waits for, in a transaction begun as urgent. If it turns out that
    /// the disk is full, the store gives up its reserve, and it is tried once more.
    ///
    /// # Errors
    /// Those of the last attempt.
    pub(crate) async fn retry_on_full_disk<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        match attempt().await {
            Err(Error::Unavailable(cause)) if self.store.release_reserve_if_full(&cause).await => attempt().await,
            outcome => outcome,
        }
    }
}
