//! Limiting the work of one statement on SQLite, which has no statement timeout.

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, Sqlite};

/// How many instructions of SQLite's virtual machine a listing may take. SQLite runs tens of millions of them a second.
const MAX_STEPS: u32 = 100_000_000;
/// How many instructions run between two checks of that limit.
const STEPS_BETWEEN_CHECKS: u16 = 1_000;

/// Interrupts statements that take more steps. A long read keeps other listings waiting, and prevents checkpoints of the
/// write-ahead log.
pub(super) fn limit(options: PoolOptions<Sqlite>) -> PoolOptions<Sqlite> {
    options.before_acquire(|connection, _| Box::pin(async move { reset_count(connection).await.map(|()| true) }))
}

/// Counts the steps of this connection from zero. A new connection needs this as well.
pub(super) async fn reset_count(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut checks_left = MAX_STEPS / u32::from(STEPS_BETWEEN_CHECKS);
    connection.lock_handle().await?.set_progress_handler(STEPS_BETWEEN_CHECKS.into(), move || {
        checks_left = checks_left.saturating_sub(1);
        checks_left > 0
    });
    Ok(())
}
