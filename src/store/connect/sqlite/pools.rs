//! The pools of connections to a SQLite file.

use std::sync::{Arc, OnceLock};

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, Connection};
use sea_orm::{Database, DatabaseConnection, DbErr};

use crate::store::connect::options::{LISTING_WAIT, pool_options};
use crate::store::file::database_file::DatabaseFile;
use crate::store::file::write_ahead_log::{BUSY_TIMEOUT, WAL_LIMIT_BYTES};

use super::statement_limit;

/// The file, once all connections to it are open: one that must be opened later may not be to another.
pub(super) type Known = Arc<OnceLock<DatabaseFile>>;

/// What a pool of connections is for.
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
    // All at once, while the path is sure to name the file.
    options.min_connections(connections);
    let lists = used == Use::List;
    if lists {
        options.acquire_timeout(LISTING_WAIT);
    }
    options.map_sqlx_sqlite_opts(move |options| {
        options
            // So that closing one writes no log into the file, which might be another by then.
            .read_only(used != Use::Write)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL waits for the disk at every commit; NORMAL would lose the last ones on a power cut (R13).
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // A log that had to grow, because a reader kept it from being reused, is truncated at the next reset.
            .pragma("journal_size_limit", WAL_LIMIT_BYTES.to_string())
            // What savepoints need is little, and must not depend on room in another folder.
            .pragma("temp_store", "MEMORY")
            .busy_timeout(BUSY_TIMEOUT)
    });
    // A file does not go away between two uses, as a server may, so nothing is asked of a connection before it is used.
    options.test_before_acquire(false);
    // One that comes back with its transaction still open, because that could be neither committed nor undone in order, is
    // closed, which undoes it, and another is opened.
    let known = known.clone();
    options.map_sqlx_sqlite_pool_opts(move |options| {
        let known = known.clone();
        let options = options.after_connect(move |connection, _| {
            let known = known.clone();
            Box::pin(async move {
                if let Some(file) = known.get() {
                    file.check().map_err(|err| sqlx::Error::Io(std::io::Error::other(err.to_string())))?;
                }
                if lists { statement_limit::count_anew(connection).await } else { Ok(()) }
            })
        });
        let options =
            options.after_release(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }));
        // Otherwise none is closed while the store is open: with the last one SQLite deletes the write-ahead log, and the file
        // that is opened next could be another.
        let options = options.idle_timeout(None).max_lifetime(None);
        if lists { statement_limit::limit(options) } else { options }
    });
    Database::connect(options).await
}
