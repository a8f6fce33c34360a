//! Urgent changes on a full disk.

use crate::service::{Error, Service};

impl Service {
    /// Runs an operation that takes rights away, or that the verification of a value waits for, in a transaction that was begun as
    /// urgent. If the disk is full, the store releases its reserve, and the operation is retried once.
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
