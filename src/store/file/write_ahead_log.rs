//! Limiting the write-ahead log of SQLite.

use std::time::Duration;

use sea_orm::sqlx;

use crate::store::connect::pool::Pool;

/// The length, in bytes, that the write-ahead log may have. SQLite reuses it from the start after 4 MiB, unless a reader prevents
/// this.
pub(in crate::store) const WAL_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
/// How long truncating the log waits for readers. Writers wait for it.
const TRUNCATE_TIMEOUT: Duration = Duration::from_millis(100);
/// How long SQLite waits for another process that is writing.
pub(in crate::store) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Checkpoints the whole write-ahead log and truncates it, unless a reader prevents this; returns whether it did.
pub(in crate::store) async fn truncate_log(write: &Pool) -> Result<bool, sqlx::Error> {
    let mut connection = write.sqlite().ok_or(sqlx::Error::PoolClosed)?.acquire().await?;
    let wait = |timeout: Duration| sqlx::AssertSqlSafe(format!("PRAGMA busy_timeout = {}", timeout.as_millis()));
    sqlx::raw_sql(wait(TRUNCATE_TIMEOUT)).execute(&mut *connection).await?;
    let done = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
    sqlx::raw_sql(wait(BUSY_TIMEOUT)).execute(&mut *connection).await?;
    let (busy, _, _): (i64, i64, i64) = done?;
    Ok(busy == 0)
}
