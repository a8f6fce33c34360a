//! The lock with which replicas take turns while they start.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use tokio::time::{Interval, interval};

/// The key of the advisory lock: any constant that no other lock of Rotakey uses.
const START_LOCK: i64 = 0x726f_7461_6b65_7901;
/// How often to try to take the lock.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Tries to take the advisory lock of starting replicas, in one transaction after the other.
///
/// Another replica may migrate for many minutes, and `lock_timeout` ends a blocking wait after seconds. So this polls with
/// `pg_try_advisory_xact_lock`, which also notices a dead connection. Each poll has its own transaction: an index that is built
/// concurrently waits for every transaction that had a snapshot, so one that waits for the lock of its builder would never end.
pub(in crate::store) struct StartLock {
    retries: Interval,
    /// Whether another replica had it at the last attempt.
    is_taken: bool,
    was_logged: bool,
}

impl StartLock {
    pub(in crate::store) fn new() -> Self {
        Self { retries: interval(RETRY_INTERVAL), is_taken: false, was_logged: false }
    }

    /// Waits until it is time for the next attempt, before its transaction begins: not at all, unless another replica had the lock. A
    /// start takes the lock once for each migration.
    pub(in crate::store) async fn next_attempt(&mut self) {
        if self.is_taken {
            self.retries.tick().await;
        }
    }

    /// Takes the lock until this transaction ends, unless another replica has it; returns whether it did. SQLite needs none: it has one
    /// writer.
    pub(in crate::store) async fn try_lock(&mut self, transaction: &impl ConnectionTrait) -> Result<bool, DbErr> {
        if transaction.get_database_backend() != DbBackend::Postgres {
            return Ok(true);
        }
        let lock = format!("SELECT pg_try_advisory_xact_lock({START_LOCK})");
        let row = transaction.query_one_raw(Statement::from_string(DbBackend::Postgres, lock)).await?;
        let is_locked = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(false);
        self.is_taken = !is_locked;
        if !is_locked && !self.was_logged {
            tracing::info!(name: "start_lock_awaited", "another replica is starting or migrates the database: waiting for it");
            self.was_logged = true;
        }
        Ok(is_locked)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// The time is paused: it moves by as much as is waited.
    #[tokio::test(start_paused = true)]
    async fn a_start_that_no_other_replica_holds_up_does_not_wait() {
        let mut lock = StartLock::new();
        let start = Instant::now();
        for _ in 0..30 {
            lock.next_attempt().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        lock.is_taken = true;
        for _ in 0..3 {
            lock.next_attempt().await;
        }
        assert_eq!(start.elapsed(), 2 * RETRY_INTERVAL);
    }
}
