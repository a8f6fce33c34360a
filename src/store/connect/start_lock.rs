//! The lock with which replicas take turns while they start.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use tokio::time::interval;

use super::pool::PoolTransaction;

/// The key of the advisory lock: any constant that no other lock of Rotakey uses.
const START_LOCK: i64 = 0x726f_7461_6b65_7901;
/// How often to try to take the lock.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Takes the advisory lock of starting replicas, until the transaction ends. SQLite needs none: it has one writer.
///
/// Another replica may migrate for many minutes, and `lock_timeout` ends a blocking wait after seconds. So this polls with
/// `pg_try_advisory_xact_lock`, which also notices a dead connection.
pub(in crate::store) async fn lock_start(transaction: &PoolTransaction) -> Result<(), DbErr> {
    if transaction.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let lock = format!("SELECT pg_try_advisory_xact_lock({START_LOCK})");
    let statement = Statement::from_string(DbBackend::Postgres, lock);
    let mut retries = interval(RETRY_INTERVAL);
    let mut waited = false;
    loop {
        retries.tick().await;
        let row = transaction.query_one_raw(statement.clone()).await?;
        if row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(false) {
            return Ok(());
        }
        if !waited {
            tracing::info!(name: "start_lock_awaited", "another replica is starting or migrates the database: waiting for it");
            waited = true;
        }
    }
}
