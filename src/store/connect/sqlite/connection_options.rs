//! The connection pools of a SQLite file.

use std::sync::{Arc, OnceLock};

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, Connection};
use sea_orm::{Database, DatabaseConnection, DbErr};

use crate::store::connect::options::{LISTING_WAIT, pool_options};
use crate::store::file::database_file::DatabaseFile;
use crate::store::file::write_ahead_log::{BUSY_TIMEOUT, WAL_LIMIT_BYTES};

/// The file, once all connections to it are open. A connection that is opened later must be to the same file.
pub(super) type Known = Arc<OnceLock<DatabaseFile>>;

/// The purpose of a connection pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Write,
    Read,
    List,
}

pub(super) async fn sqlite_pool(
    url: &str,
    connections: u32,
    used: Use,
    known: &Known,
) -> Result<DatabaseConnection, DbErr> {
    let mut options = pool_options(url, connections);
    // All connections now, while the path is known to be that of this file.
    options.min_connections(connections);
    if used == Use::List {
        options.acquire_timeout(LISTING_WAIT);
    }
    options.map_sqlx_sqlite_opts(move |options| {
        options
            // Closing a connection that may write could checkpoint the log into the file, which might be another file by then.
            .read_only(used != Use::Write)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL waits for the disk at every commit; NORMAL could lose the last commits in a power failure (R13).
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // A log that grew because a reader prevented its reuse is truncated at the next reset.
            .pragma("journal_size_limit", WAL_LIMIT_BYTES.to_string())
            // Savepoints need little temporary space, and must not depend on the space in another folder.
            .pragma("temp_store", "MEMORY")
            .busy_timeout(BUSY_TIMEOUT)
    });
    // Unlike a server, a file does not go away, so connections need no test before use.
    options.test_before_acquire(false);
    // If a connection is returned with an open transaction, which could neither be committed nor rolled back, it is closed. This
    // rolls the transaction back, and another connection is opened.
    let known = known.clone();
    options.map_sqlx_sqlite_pool_opts(move |options| {
        let known = known.clone();
        let options = options.after_connect(move |_, _| {
            let known = known.clone();
            Box::pin(async move {
                if let Some(file) = known.get() {
                    file.check().map_err(|err| sqlx::Error::Io(std::io::Error::other(err.to_string())))?;
                }
                Ok(())
            })
        });
        let options =
            options.after_release(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }));
        // Otherwise no connection is closed while the store is open: with the last one, SQLite deletes the write-ahead log, and the
        // next one could open another file.
        options.idle_timeout(None).max_lifetime(None)
    });
    Database::connect(options).await
}
