//! Housekeeping: what nothing needs any more is erased. No rule waits for it; a token expires on time without.

use crate::domain::timestamp::Timestamp;
use crate::service::{Error, Service};

/// What ended less than this ago is left for the next time: the clocks of replicas may differ a little, and for one that is
/// behind it has not ended yet.
const SETTLED_MINUTES: u32 = 1;
/// How many rows are changed by one transaction, so that nobody waits long for the writer.
const BATCH: u32 = 500;
/// How many such transactions of each kind there are at a time. More is left for the next time.
const MAX_BATCHES: u32 = 40;

impl Service {
    /// Erases the salts of rotations whose overlap is over (R6), values and audit events beyond their retention, and what every
    /// replica has heard of long since. Sorts tokens that ended by their status, so that listings find them by an index.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<(), Error> {
        let now = self.now();
        // Each is tried, so that one that fails keeps no other from its work.
        let outcomes = [
            self.check_schema().await,
            self.store.erase_stale_salts(now).await.map(drop).map_err(Error::from),
            self.store.delete_old_changes().await.map(drop).map_err(Error::from),
            self.delete_retired_values(now).await,
            self.store.sweep_statuses(now.minus_minutes(SETTLED_MINUTES)).await.map(drop).map_err(Error::from),
            self.forget_old_events(now).await,
        ];
        outcomes.into_iter().collect()
    }

    async fn forget_old_events(&self, now: Timestamp) -> Result<(), Error> {
        match self.policy.audit_retention_minutes {
            Some(minutes) => self.delete_events(now.minus_minutes(minutes)).await,
            None => Ok(()),
        }
    }

    async fn delete_events(&self, before: Timestamp) -> Result<(), Error> {
        for _ in 0..MAX_BATCHES {
            if self.store.delete_events(before, BATCH.into()).await? < u64::from(BATCH) {
                break;
            }
        }
        Ok(())
    }

    /// Deletes the values that have been retired for as long as the operator says. Whoever presents one is then told that no token
    /// has it. A replica that remembers one goes on saying that it is retired: it is refused either way.
    async fn delete_retired_values(&self, now: Timestamp) -> Result<(), Error> {
        let by = now.minus_minutes(self.policy.retired_values_minutes);
        for _ in 0..MAX_BATCHES {
            let dated = self.store.date_retired_values(now, BATCH).await?;
            let forgotten = self.store.delete_retired_values(by, BATCH).await?;
            if dated.max(forgotten) < u64::from(BATCH) {
                break;
            }
        }
        Ok(())
    }
}
