//! Reaching the database, making it durable, and bringing its schema up to date.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::sqlx::Connection;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, Statement,
    TransactionTrait,
};

use crate::domain::timestamp::Timestamp;

use super::{Error, Store, Transaction, group};

/// How long a caller waits for a connection before it is told that the database is unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long SQLite waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long PostgreSQL waits for a row that another transaction is changing.
const LOCK_TIMEOUT: &str = "5s";
/// For how long PostgreSQL keeps a transaction open in which nothing is asked. A change must be committed long before the row
/// that tells of it is deleted, also where a process is suspended between the two.
const IDLE_TIMEOUT: &str = "10s";
/// For how long a connection to PostgreSQL that was just given back need not be asked whether it still answers.
const BELIEVED_FOR: Duration = Duration::from_millis(100);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
/// Any constant of ours: replicas that start together take turns on it.
const START_LOCK: i64 = 0x726f_7461_6b65_7901;

impl Store {
    /// Opens the database at a `sqlite:` or `postgres:` URL; a SQLite file that is missing is made, readable by its owner
    /// alone.
    ///
    /// # Errors
    /// When it cannot be opened, or is of another kind.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        if url.starts_with("sqlite:") {
            connect_sqlite(url).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let pool = connect_postgres(url).await?;
            Ok(Self::new(pool.clone(), pool))
        } else {
            Err(Error::Unsuitable("The database URL must start with sqlite: or postgres:.".into()))
        }
    }

    /// Applies the migrations that are missing. Replicas that start together take turns.
    ///
    /// # Errors
    /// When a migration fails; nothing of it is then applied.
    pub async fn migrate(&self) -> Result<(), Error> {
        let transaction = match self.write.get_database_backend() {
            DbBackend::Sqlite => group::begin(&self.write).await?,
            _ => self.write.begin().await?,
        };
        alone(&transaction).await?;
        Migrator::up(&transaction, None).await?;
        Ok(transaction.commit().await?)
    }

    /// Starts a transaction that no other started by this function runs beside, on any replica.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin_exclusive(&self) -> Result<Transaction, Error> {
        let transaction = self.begin().await?;
        alone(transaction.connection()).await?;
        Ok(transaction)
    }

    /// Starts a transaction that may write. Dropping it without a commit undoes it.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        Ok(match &self.turns {
            Some(turns) => Transaction::in_turn(turns.next().await?),
            None => Transaction::alone(self.write.begin().await?, self.durable.clone()),
        })
    }

    /// Erases every salt that nobody can use any more, because the overlap of its rotation is over (R6); how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_stale_salts(&self, now: Timestamp) -> Result<u64, Error> {
        let sql = format!(
            "UPDATE api_token_value SET salt = NULL WHERE salt IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM api_token AS token JOIN api_token_value AS previous
                 ON previous.token_id = token.id AND previous.generation = token.previous_generation
                 WHERE token.id = api_token_value.token_id
                   AND (previous.retires_at IS NULL OR previous.retires_at > {now})
                   AND token.revoked_at IS NULL AND (token.expires_at IS NULL OR token.expires_at > {now}))",
            now = now.unix_millis()
        );
        let transaction = self.begin().await?;
        let statement = Statement::from_string(transaction.connection().get_database_backend(), sql);
        let erased = transaction.connection().execute_raw(statement).await?.rows_affected();
        transaction.commit().await?;
        Ok(erased)
    }

    /// Waits until every connection is returned and closes them; SQLite then folds its write-ahead log into the file.
    ///
    /// # Errors
    /// When a connection cannot be closed in order. Nothing committed is lost by that.
    pub async fn close(self) -> Result<(), Error> {
        self.durable.feed().close().await;
        self.read.close().await?;
        self.write.close().await?;
        Ok(())
    }
}

/// Waits until no other that called this has its transaction open. On SQLite that is so anyway.
async fn alone(transaction: &DatabaseTransaction) -> Result<(), Error> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({START_LOCK})");
        transaction.execute_raw(Statement::from_string(DbBackend::Postgres, lock)).await?;
    }
    Ok(())
}

async fn connect_sqlite(url: &str) -> Result<Store, Error> {
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

async fn connect_postgres(url: &str) -> Result<DatabaseConnection, Error> {
    // Not the library's words: they quote the URL, and with it the password.
    url.parse::<PgConnectOptions>().map_err(|_| Error::Unsuitable("The PostgreSQL URL cannot be read.".into()))?;
    let mut options = pool_options(url, POSTGRES_CONNECTIONS);
    // Whatever the server's defaults: an answer is sent after its transaction is on disk (R13), and nobody waits for a
    // lock, or keeps one, without end.
    options.map_sqlx_postgres_opts(|options| {
        options.options([
            ("synchronous_commit", "on"),
            ("lock_timeout", LOCK_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
        ])
    });
    // The pool asks a connection whether it still answers when it is given back; to ask again at once would cost a round trip
    // before every look-up and every transaction.
    options.test_before_acquire_if_idle_for(BELIEVED_FOR);
    Ok(Database::connect(options).await?)
}

fn pool_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

#[cfg(test)]
mod tests {
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
