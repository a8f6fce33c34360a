//! Housekeeping: deleting what is no longer needed. No rule depends on it; tokens expire on time without it.

use crate::domain::timestamp::Timestamp;
use crate::domain::value_use::USER_RETENTION_MINUTES;
use crate::service::{Error, Service};

/// How long ago a token must have ended before its status is written. The clocks of replicas differ a little, and for one that is
/// behind the token may still be active.
const MIN_AGE_MINUTES: u32 = 1;
/// How many rows one transaction changes, so that other writers wait only briefly.
const BATCH: u32 = 500;
/// How many such transactions of each kind run in one go. The rest is left for the next time.
const MAX_BATCHES: u32 = 40;
/// As many for tokens without sort keys: an upgrade leaves all of them so.
const MAX_BATCHES_OF_NEW: u32 = 200;

impl Service {
    /// Erases the salts of rotations whose overlap has ended (R6), and deletes values, audit events and ended campaigns after their retention and
    /// rows of `change` that every replica has polled. Retires previous values that are silent (R15). Forgets users of values that were not
    /// seen for a day. Tidies up the outbox of notices. Writes the sort keys of new tokens, and the status of tokens that ended, so that listings find them by an index.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<(), Error> {
        let now = self.now();
        self.check_schema().await?;
        if !self.readiness().schema {
            // By its own rules, this version must not change or delete what a newer one keeps.
            return Ok(());
        }
        // Each is tried, even if another one fails.
        let outcomes = [
            self.store.erase_stale_salts(now).await.map(drop).map_err(Error::from),
            self.store.delete_old_changes().await.map(drop).map_err(Error::from),
            self.retire_silent_values(now).await,
            self.delete_retired_values(now).await,
            self.delete_unseen_users(now.minus_minutes(USER_RETENTION_MINUTES)).await,
            self.store.sweep_statuses(now.minus_minutes(MIN_AGE_MINUTES)).await.map(drop).map_err(Error::from),
            self.write_sort_keys().await,
            self.delete_old_events(now).await,
            self.delete_old_campaigns(now).await,
            self.tidy_deliveries(now).await,
            self.tidy_mail(now).await,
        ];
        outcomes.into_iter().collect()
    }

    async fn delete_old_events(&self, now: Timestamp) -> Result<(), Error> {
        match self.policy.audit_retention_minutes {
            Some(minutes) => self.delete_events(now.minus_minutes(minutes)).await,
            None => Ok(()),
        }
    }

    /// Deletes campaigns with their reports, which are kept as long as the audit log.
    async fn delete_old_campaigns(&self, now: Timestamp) -> Result<(), Error> {
        let Some(minutes) = self.policy.audit_retention_minutes else { return Ok(()) };
        for _ in 0..MAX_BATCHES {
            if !self.store.delete_ended_campaign(now.minus_minutes(minutes), BATCH).await? {
                break;
            }
        }
        Ok(())
    }

    async fn delete_events(&self, before: Timestamp) -> Result<(), Error> {
        for _ in 0..MAX_BATCHES {
            if self.store.delete_events(before, BATCH.into()).await? < u64::from(BATCH) {
                break;
            }
        }
        Ok(())
    }

    /// Writes the sort keys of new tokens.
    async fn write_sort_keys(&self) -> Result<(), Error> {
        for _ in 0..MAX_BATCHES_OF_NEW {
            if !self.store.write_sort_keys().await? {
                break;
            }
        }
        Ok(())
    }

    /// Deletes users of values that were not seen since this time (R14).
    async fn delete_unseen_users(&self, since: Timestamp) -> Result<(), Error> {
        for _ in 0..MAX_BATCHES {
            if self.store.delete_unseen_users(since, BATCH).await? < u64::from(BATCH) {
                break;
            }
        }
        Ok(())
    }

    /// Deletes values that were retired longer ago than the retention. A client that presents one then gets `UNAUTHENTICATED`. A
    /// replica that still has it in the cache keeps answering `VALUE_RETIRED`. It is refused either way.
    async fn delete_retired_values(&self, now: Timestamp) -> Result<(), Error> {
        let by = now.minus_minutes(self.policy.retired_values_minutes);
        for _ in 0..MAX_BATCHES {
            let dated = self.store.date_retired_values(now, BATCH).await?;
            let deleted = self.store.delete_retired_values(by, BATCH).await?;
            if dated.max(deleted) < u64::from(BATCH) {
                break;
            }
        }
        Ok(())
    }
}
