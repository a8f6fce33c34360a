//! The open database: its connection pools, its queues, and how it closes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use tokio::sync::Semaphore;

use super::Error;
use super::connect::pool::{Contact, Pool};
use super::file::database_file::DatabaseFile;
use super::file::write_ahead_log::truncate_log;
use super::token::hash_lookup::LookupQueue;
use super::write::after_commit::AfterCommit;
use super::write::queue::WriteQueue;

/// How long running reads of a database file that was moved away may take to end.
const READERS_TIMEOUT: Duration = Duration::from_secs(10);

/// The database. On SQLite all writes queue for one connection, because SQLite has one writer at a time anyway and its busy
/// handler is not fair. On PostgreSQL `read` and `write` are the same pool.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) place: Arc<str>,
    pub(super) read: Pool,
    pub(super) write: Pool,
    /// The connections for listings, with a limit on each statement. They are separate so that authentication never waits for one.
    pub(super) listings: Pool,
    /// One permit for each of those connections.
    pub(super) listing_permits: Arc<Semaphore>,
    /// On SQLite, the queue for the one connection in `write`.
    pub(super) write_queue: Option<WriteQueue>,
    /// On SQLite, the queue of lookups of presented values.
    pub(super) lookups: Option<LookupQueue>,
    /// On SQLite, the file itself.
    pub(super) file: Option<DatabaseFile>,
    pub(super) after_commit: AfterCommit,
    /// On PostgreSQL, the servers of the URL, one of which is the primary, in the order in which they are tried.
    pub(super) servers: Arc<[PgConnectOptions]>,
}

impl Store {
    /// A PostgreSQL database: one pool for everything but listings, to one of these servers.
    pub(super) fn on_server(
        place: String,
        servers: Vec<PgConnectOptions>,
        contact: Contact,
        listings: Contact,
    ) -> Self {
        let pool = Pool::from(contact);
        Self {
            place: place.into(),
            read: pool.clone(),
            listing_permits: permits(listings.max_connections()),
            listings: listings.into(),
            write_queue: None,
            lookups: None,
            file: None,
            after_commit: AfterCommit::new(&pool),
            servers: servers.into(),
            write: pool,
        }
    }

    /// A SQLite database: pools of connections to a file. `write` has a single connection.
    pub(super) fn on_file(
        place: String,
        read: DatabaseConnection,
        write: DatabaseConnection,
        listings: DatabaseConnection,
        file: DatabaseFile,
    ) -> Self {
        let listing_permits = permits(listings.get_sqlite_connection_pool().options().get_max_connections());
        let (read, write) = (Pool::of_readers(read, false), Pool::from(write));
        let listings = Pool::of_readers(listings, true);
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

    /// Waits until the files of the database are found to be deleted or replaced, and stops all reads from them; returns what
    /// happened. On PostgreSQL it waits forever.
    pub async fn moved(&self) -> Error {
        let Some(file) = &self.file else { return std::future::pending().await };
        let text = file.moved().await;
        self.invalidate_all();
        // Closing waits for running reads; new ones fail at once.
        for pool in [self.read.clone(), self.listings.clone()] {
            tokio::spawn(async move { pool.close().await });
        }
        Error::Unsuitable(text)
    }

    /// Saves the contents of the database if its file was deleted or replaced: they would be lost when this process ends. Returns
    /// where they are saved; `None` if the file still has its name.
    ///
    /// # Errors
    /// When the contents cannot be saved.
    pub async fn save_moved(&self) -> Result<Option<PathBuf>, Error> {
        self.empty_moved_log().await;
        let Some(saved) = self.file.as_ref().and_then(DatabaseFile::place_to_save) else { return Ok(None) };
        let saved = saved.map_err(|err| Error::Unsuitable(err.to_string()))?;
        let sql = format!("VACUUM INTO '{}'", saved.display().to_string().replace('\'', "''"));
        let done = self.write.execute_unprepared(&sql).await;
        if done.is_err() {
            // An incomplete copy is of no use.
            let _ = std::fs::remove_file(&saved);
        }
        done?;
        Ok(Some(saved))
    }

    /// Checkpoints the write-ahead log of the moved database and truncates it. SQLite does not delete it on closing, and would
    /// replay it over another file that takes the place of the database.
    async fn empty_moved_log(&self) {
        // Readers prevent this. Those of this process are closed, but one may be slow.
        let reading = async { tokio::join!(self.read.close(), self.listings.close()) };
        let _ = tokio::time::timeout(READERS_TIMEOUT, reading).await;
        let cause = match truncate_log(&self.write).await {
            Ok(true) => return,
            Ok(false) => "another process is reading it".to_owned(),
            Err(err) => err.to_string(),
        };
        tracing::error!(
            name: "write_ahead_log_not_emptied",
            %cause,
            "the write-ahead log could not be emptied; delete the -wal and -shm files before another database takes its place"
        );
    }

    /// Releases the reserve if a change failed because the disk is full; returns whether it did. An urgent change may then be
    /// retried.
    pub async fn release_reserve_if_full(&self, err: &Error) -> bool {
        match (err, &self.file) {
            (Error::Unavailable(err) | Error::Refused(err), Some(file)) => file.reserve().release_if_full(err).await,
            _ => false,
        }
    }

    /// How many transactions this process has committed. On SQLite, operations that wait at the same time share one.
    pub fn commits(&self) -> u64 {
        self.after_commit.commits()
    }

    /// Waits until every connection is returned, and closes them. SQLite then checkpoints its write-ahead log into the file.
    ///
    /// # Errors
    /// When a connection cannot be closed cleanly. Nothing that was committed is lost.
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
