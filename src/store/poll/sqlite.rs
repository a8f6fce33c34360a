//! Noticing, on SQLite, that another process has written to the file.
//!
//! `PRAGMA data_version` returns a number that changes exactly when another connection has committed since the last query on this
//! connection (SQLite documentation, "PRAGMA data_version"). It is queried on the one connection that writes, so it ignores the
//! commits of this process and shows those of all others.
//!
//! The same poll checks the file: whether it still has its name, how long its write-ahead log is, and whether the reserve for a
//! full disk exists.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr, sqlx};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::store::file::write_ahead_log::{WAL_LIMIT_BYTES, truncate_log};
use crate::store::{Error, Store};

/// The time between two polls.
const PERIOD: Duration = Duration::from_secs(1);
/// How often there is a warning while the write-ahead log cannot be truncated.
const WARNING_SECONDS: u32 = 60;

#[derive(Debug)]
pub(in crate::store) struct Poller {
    store: Store,
    seconds: Interval,
    version: Option<i64>,
    /// For how many seconds the write-ahead log has been too long.
    seconds_too_long: u32,
}

impl Poller {
    pub(in crate::store) fn begin(store: Store) -> Self {
        let mut seconds = interval(PERIOD);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { store, seconds, version: None, seconds_too_long: 0 }
    }

    pub(in crate::store) async fn wait(&mut self) {
        self.seconds.tick().await;
    }

    pub(in crate::store) async fn poll(&mut self) -> Result<(), Error> {
        let version = self.version().await;
        let (version, is_new) = version.map_err(|err| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(err))))?;
        if let Some(file) = &self.store.file {
            // After the query, so that its answer is about the file that has this name.
            file.check()?;
        }
        // After the version was read: what is committed in between changes it, and is noticed by the next poll.
        if is_new || self.version != Some(version) {
            self.store.invalidate_all();
        }
        self.version = Some(version);
        self.maintain_space().await;
        Ok(())
    }

    /// Limits the write-ahead log, and maintains the reserve. Neither affects contact, so a failure does not end it.
    async fn maintain_space(&mut self) {
        let Some(file) = &self.store.file else { return };
        file.reserve().maintain().await;
        let bytes = file.wal_bytes();
        if bytes <= WAL_LIMIT_BYTES {
            self.seconds_too_long = 0;
            return;
        }
        let truncated = truncate_log(&self.store.write).await;
        if !matches!(truncated, Ok(true)) {
            if self.seconds_too_long.is_multiple_of(WARNING_SECONDS) {
                let cause = truncated.err().map(tracing::field::display);
                tracing::warn!(
                    name: "write_ahead_log_grows",
                    bytes,
                    cause,
                    "the write-ahead log grows, because another process keeps reading the database"
                );
            }
            self.seconds_too_long += 1;
        }
    }

    /// The version that the writing connection reports, and whether that connection is new, so that its version says nothing about
    /// the time before. The pool may replace the connection at any time, so it is marked: by a number in its temporary database,
    /// which no other connection sees.
    async fn version(&self) -> Result<(i64, bool), sqlx::Error> {
        // No transaction: if this is cancelled, the pool would close a connection that is in one. No other could be opened to a file
        // that was moved, and its contents could not be saved.
        let mut connection = self.store.write.sqlite().ok_or(sqlx::Error::PoolClosed)?.acquire().await?;
        let mut ask = async |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut *connection).await;
        let marked = ask("PRAGMA temp.user_version").await? == 1;
        let version = ask("PRAGMA data_version").await?;
        if !marked {
            sqlx::query("PRAGMA temp.user_version = 1").execute(&mut *connection).await?;
        }
        Ok((version, !marked))
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnectionTrait;

    use crate::domain::id::TokenId;
    use crate::domain::timestamp::Timestamp;

    use super::*;

    #[tokio::test]
    async fn a_commit_of_another_process_is_noticed_even_if_the_writing_connection_was_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
        let (here, there) = (Store::connect(&url).await.unwrap(), Store::connect(&url).await.unwrap());
        here.migrate().await.unwrap();
        let mut poller = Poller::begin(here.clone());
        let id = TokenId::new(Timestamp::from_unix_millis(0), [1; 10]);
        let before = here.stamp();
        poller.poll().await.unwrap();
        assert!(!here.is_fresh(id, before), "what was read before the first poll");
        let stamp = here.stamp();
        poller.poll().await.unwrap();
        assert!(here.is_fresh(id, stamp), "nothing was committed");
        here.write.sqlite().unwrap().acquire().await.unwrap().close().await.unwrap();
        there.write.execute_unprepared("DELETE FROM audit_event").await.unwrap();
        poller.poll().await.unwrap();
        assert!(!here.is_fresh(id, stamp));
        let stamp = here.stamp();
        there.write.execute_unprepared("CREATE TABLE other (id TEXT)").await.unwrap();
        poller.poll().await.unwrap();
        assert!(!here.is_fresh(id, stamp), "the poll after the connection was replaced sees the next commit");
    }
}
