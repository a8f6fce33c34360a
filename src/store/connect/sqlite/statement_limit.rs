//! Bounding the work of one statement on SQLite, which has no timeout of its own.

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, Sqlite};

/// How much work a listing may be: instructions of SQLite's virtual machine, of which it runs tens of millions a second.
const MAX_STEPS: u32 = 100_000_000;
/// How many instructions are run between two looks at that limit.
const STEPS_BETWEEN_CHECKS: u16 = 1_000;

/// A statement that takes more steps is interrupted. Beside keeping the next one waiting, a long read keeps the write-ahead log
/// from being checkpointed.
pub(super) fn limit(options: PoolOptions<Sqlite>) -> PoolOptions<Sqlite> {
    options.before_acquire(|connection, _| Box::pin(async move { count_anew(connection).await.map(|()| true) }))
}

/// Counts the steps of this connection from zero, as must be done of a new one, too.
pub(super) async fn count_anew(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut checks_left = MAX_STEPS / u32::from(STEPS_BETWEEN_CHECKS);
    connection.lock_handle().await?.set_progress_handler(STEPS_BETWEEN_CHECKS.into(), move || {
        checks_left = checks_left.saturating_sub(1);
        checks_left > 0
    });
    Ok(())
}
