//! Starting a transaction.

use crate::store::connect::start_lock::StartLock;
use crate::store::{Error, Store, Transaction};

use super::slot::Urgency;

impl Store {
    /// Starts a transaction of which only one runs at a time, on all replicas together.
    ///
    /// # Errors
    /// When no connection is available in time.
    pub async fn begin_exclusive(&self) -> Result<Transaction, Error> {
        let mut lock = StartLock::new();
        loop {
            lock.next_attempt().await;
            // Urgent, because every start needs this, and a server must also start on a full disk.
            let transaction = self.begin_urgent().await?;
            if lock.try_lock(transaction.connection()).await? {
                return Ok(transaction);
            }
        }
    }

    /// Starts a transaction that may write. Dropping it without a commit rolls it back.
    ///
    /// # Errors
    /// When no connection is available in time.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        self.begin_at(Urgency::Ordinary).await
    }

    /// Starts a transaction that takes rights away, or that the verification of a value waits for. It is written even if the disk
    /// is full.
    ///
    /// # Errors
    /// When no connection is available in time.
    pub async fn begin_urgent(&self) -> Result<Transaction, Error> {
        self.begin_at(Urgency::Urgent).await
    }

    async fn begin_at(&self, urgency: Urgency) -> Result<Transaction, Error> {
        Ok(match &self.write_queue {
            Some(write_queue) => Transaction::in_group(write_queue.next(urgency).await?),
            None => Transaction::alone(self.write.begin().await?, self.after_commit.clone()),
        })
    }
}
