//! Opening a SQLite file: durable at every commit, readable by its owner alone.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{Database, DatabaseConnection};

use crate::store::{Error, Store};

use super::pool_options;

/// How long SQLite waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const SQLITE_READERS: u32 = 4;

pub(super) async fn connect(url: &str) -> Result<Store, Error> {
    let parsed: SqliteConnectOptions =
        url.parse().map_err(|err| Error::Unsuitable(format!("The SQLite URL cannot be read: {err}.")))?;
    let path = parsed.get_filename().to_path_buf();
    if path.as_os_str().is_empty() || url.contains(":memory:") || url.contains("mode=memory") {
        return Err(Error::Unsuitable("A database in memory would forget every token; name a file.".into()));
    }
    create_private(&path)?;
    // Writes first: the connection that switches to the write-ahead log should be alone.
    let write = sqlite_pool(url, 1).await?;
    let read = sqlite_pool(url, SQLITE_READERS).await?;
    Ok(Store::new(read, write))
}

/// Makes the file if it is missing. SQLite gives its side files the same mode.
fn create_private(path: &PathBuf) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(err) if err.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(err) => Err(Error::Unsuitable(format!("The database file {} cannot be made: {err}.", path.display()))),
    }
}

async fn sqlite_pool(url: &str, connections: u32) -> Result<DatabaseConnection, Error> {
    let mut options = pool_options(url, connections);
    options.map_sqlx_sqlite_opts(|options| {
        options
            .journal_mode(SqliteJournalMode::Wal)
            // FULL waits for the disk at every commit; NORMAL would lose the last ones on a power cut (R13).
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
    });
    // A file does not go away between two uses, as a server may, so nothing is asked of a connection before it is used.
    options.test_before_acquire(false);
    // One that comes back with its transaction still open, because that could be neither committed nor undone in order, is
    // closed, which undoes it, and another is opened.
    options.map_sqlx_sqlite_pool_opts(|options| {
        options.after_release(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
    });
    Ok(Database::connect(options).await?)
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, DbBackend, Statement};

    use super::*;

    #[tokio::test]
    async fn r13_every_connection_to_sqlite_is_durable_and_holds_to_foreign_keys() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
        let store = Store::connect(&url).await.unwrap();
        for connection in [&store.read, &store.write] {
            for (pragma, expected) in [("synchronous", "2"), ("foreign_keys", "1"), ("journal_mode", "wal")] {
                // As text, whatever type it is.
                let sql = format!("SELECT CAST({pragma} AS TEXT) AS told FROM pragma_{pragma}");
                let row = connection.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
                assert_eq!(row.unwrap().try_get::<String>("", "told").unwrap(), expected, "{pragma}");
            }
        }
    }
}
