//! Replicas that start together take turns.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use tokio::time::interval;

use super::pool::PoolTransaction;

/// Any constant of ours: replicas that start together take turns on it.
const START_LOCK: i64 = 0x726f_7461_6b65_7901;
/// How often a replica asks whether it is its turn.
const TURN_INTERVAL: Duration = Duration::from_millis(200);

/// Waits until no other that called this has its transaction open. On SQLite that is so anyway.
///
/// Another replica may migrate for many minutes, and PostgreSQL ends a single wait for a lock after seconds. So this asks again
/// and again, each time by a statement that is quick, so that a connection that has died is noticed.
pub(in crate::store) async fn alone(transaction: &PoolTransaction) -> Result<(), DbErr> {
    if transaction.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let lock = format!("SELECT pg_try_advisory_xact_lock({START_LOCK})");
    let statement = Statement::from_string(DbBackend::Postgres, lock);
    let mut turns = interval(TURN_INTERVAL);
    let mut waited = false;
    loop {
        turns.tick().await;
        let row = transaction.query_one_raw(statement.clone()).await?;
        if row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(false) {
            return Ok(());
        }
        if !waited {
            tracing::info!("another replica is starting or migrates the database: waiting for it");
            waited = true;
        }
    }
}
