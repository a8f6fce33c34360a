//! The open database: its pools, its queues, and how it closes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use tokio::sync::Semaphore;

use super::Error;
use super::connect::pool::Pool;
use super::file::database_file::DatabaseFile;
use super::file::write_ahead_log::shorten_log;
use super::token::hash_lookup::LookupQueue;
use super::write::after_commit::AfterCommit;
use super::write::queue::WriteQueue;

/// How long running reads of a database that was moved may take to end.
const READERS_TIMEOUT: Duration = Duration::from_secs(10);

/// The database. On SQLite all writes go through one connection in a fair queue, because it has one writer at a time anyway and
/// its busy handler is not fair. On PostgreSQL `read` and `write` are the same pool.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) place: Arc<str>,
    pub(super) read: Pool,
    pub(super) write: Pool,
    /// The few connections for listings, each with a limit on its statements. Authentication never waits for them.
    pub(super) listings: Pool,
    /// One for each of those connections.
    pub(super) listing_permits: Arc<Semaphore>,
    /// On SQLite, the queue for the one connection of `write`.
    pub(super) write_queue: Option<WriteQueue>,
    /// On SQLite, the queue of lookups of presented values.
    pub(super) lookups: Option<LookupQueue>,
    /// On SQLite, the file itself.
    pub(super) file: Option<DatabaseFile>,
    pub(super) after_commit: AfterCommit,
    /// On PostgreSQL, the servers that may be the database, in the order in which they are tried.
    pub(super) servers: Arc<[PgConnectOptions]>,
}

impl Store {
    /// Over one pool for everything but listings, of connections to one of these servers.
    pub(super) fn on_server(
        place: String,
        servers: Vec<PgConnectOptions>,
        connections: DatabaseConnection,
        listings: DatabaseConnection,
    ) -> Self {
        let pool = Pool::from(connections);
        Self {
            place: place.into(),
            read: pool.clone(),
            listing_permits: permits(listings.get_postgres_connection_pool().options().get_max_connections()),
            listings: listings.into(),
            write_queue: None,
            lookups: None,
            file: None,
            after_commit: AfterCommit::new(&pool),
            servers: servers.into(),
            write: pool,
        }
    }

    /// Over pools of connections to a file, one of them a single connection that writes.
    pub(super) fn on_file(
        place: String,
        read: DatabaseConnection,
        write: DatabaseConnection,
        listings: DatabaseConnection,
        file: DatabaseFile,
    ) -> Self {
        let listing_permits = permits(listings.get_sqlite_connection_pool().options().get_max_connections());
        let (read, write, listings) = (Pool::from(read), Pool::from(write), Pool::from(listings));
        let after_commit = AfterCommit::new(&write);
        let write_queue = Some(WriteQueue::new(write.clone(), after_commit.clone(), file.clone()));
        let lookups = Some(LookupQueue::new(read.clone()));
        Self {
            place: place.into(),
            read,
            write,
            listings,
            listing_permits,
            write_queue,
            lookups,
            file: Some(file),
            after_commit,
            servers: Arc::default(),
        }
    }

    /// Waits until the files of the database are found deleted or replaced, and stops all reads of them; returns what happened. On
    /// PostgreSQL it waits for ever.
    pub async fn moved(&self) -> Error {
        let Some(file) = &self.file else { return std::future::pending().await };
        let text = file.moved().await;
        self.invalidate_all();
        // Closing waits for running reads; new ones are refused at once.
        for pool in [self.read.clone(), self.listings.clone()] {
            tokio::spawn(async move { pool.close().await });
        }
        Error::Unsuitable(text)
    }

    /// Saves what the database held whose file was deleted or replaced, which is lost when this process ends: where it is now, or
    /// `None` where the file itself still has its name.
    ///
    /// # Errors
    /// When it cannot be saved.
    pub async fn save_moved(&self) -> Result<Option<PathBuf>, Error> {
        self.empty_moved_log().await;
        let Some(saved) = self.file.as_ref().and_then(DatabaseFile::place_to_save) else { return Ok(None) };
        let saved = saved.map_err(|err| Error::Unsuitable(err.to_string()))?;
        let sql = format!("VACUUM INTO '{}'", saved.display().to_string().replace('\'', "''"));
        let done = self.write.execute_unprepared(&sql).await;
        if done.is_err() {
            // Half a copy is of no use.
            let _ = std::fs::remove_file(&saved);
        }
        done?;
        Ok(Some(saved))
    }

    /// Writes the log of the moved database into it and leaves it empty, because SQLite does not delete it on closing, and would
    /// replay it over another file that takes the place of the database.
    async fn empty_moved_log(&self) {
        // Readers keep a log from being emptied. Those of this process are closed, but one may be slow.
        let reading = async { tokio::join!(self.read.close(), self.listings.close()) };
        let _ = tokio::time::timeout(READERS_TIMEOUT, reading).await;
        let cause = match shorten_log(&self.write).await {
            Ok(true) => return,
            Ok(false) => "another process is reading it".to_owned(),
            Err(err) => err.to_string(),
        };
        tracing::error!(
            %cause,
            "the write-ahead log could not be emptied; delete the -wal and -shm files before another database takes its place"
        );
    }

    /// Whether a change failed because the disk is full. If so, the reserve is released, and an urgent change may be retried.
    pub async fn release_reserve_if_full(&self, err: &Error) -> bool {
        match (err, &self.file) {
            (Error::Unavailable(err) | Error::Refused(err), Some(file)) => file.reserve().release_if_full(err).await,
            _ => false,
        }
    }

    /// How many transactions of operations this process has made durable. On SQLite operations that wait together share one.
    pub fn commits(&self) -> u64 {
        self.after_commit.commits()
    }

    /// Waits until every connection is returned and closes them; SQLite then folds its write-ahead log into the file.
    ///
    /// # Errors
    /// When a connection cannot be closed in order. Nothing committed is lost by that.
    pub async fn close(self) -> Result<(), Error> {
        self.listings.close().await?;
        self.read.close().await?;
        self.write.close().await?;
        Ok(())
    }
}

fn permits(connections: u32) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(1)))
}
