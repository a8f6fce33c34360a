//! Reaching the database, making it durable, and bringing its schema up to date.

mod migrate;
pub(super) mod pool;
pub(super) mod postgres;
mod schema;
mod sqlite;
mod steps;
mod unusable;

use std::time::Duration;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, DbBackend, DbErr, Statement};
use tokio::time::interval;

use crate::domain::timestamp::Timestamp;

pub(super) use sqlite::{WAL_LIMIT_BYTES, shorten_log};

use schema::Schema;

use super::write::group::{self, Urgency};
use super::{Error, Store, Transaction};
use pool::PoolTransaction;

/// How long a caller waits for a connection before it is told that the database is unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a listing waits for one of its connections. Whoever lists waits for others who list, and can ask again.
const LISTING_WAIT: Duration = Duration::from_secs(2);
/// Any constant of ours: replicas that start together take turns on it.
const START_LOCK: i64 = 0x726f_7461_6b65_7901;
/// How often a replica asks whether it is its turn.
const TURN_INTERVAL: Duration = Duration::from_millis(200);

/// What to do where there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfMissing {
    Make,
    Refuse,
}

impl Store {
    /// Opens the database at a `sqlite:` or `postgres:` URL; a SQLite file that is missing is made, readable by its owner
    /// alone.
    ///
    /// # Errors
    /// When it cannot be opened, or is of another kind.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::open(url, IfMissing::Make).await
    }

    /// As [`Store::connect`], but makes no file.
    ///
    /// # Errors
    /// When there is no database, or as for [`Store::connect`].
    pub async fn connect_existing(url: &str) -> Result<Self, Error> {
        Self::open(url, IfMissing::Refuse).await
    }

    async fn open(url: &str, if_missing: IfMissing) -> Result<Self, Error> {
        if url.starts_with("sqlite:") {
            sqlite::connect(url, if_missing).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            postgres::connect(url).await
        } else {
            Err(Error::Unsuitable("The database URL must start with sqlite: or postgres:.".into()))
        }
    }

    /// The database, as people know it: the path of the file, or host, port and name. Never a user or a password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Makes sure that there are tables of ours, whatever migrations they still lack.
    ///
    /// # Errors
    /// When there are none, or those of a later version or of another program, or the database fails.
    pub async fn require_schema(&self) -> Result<(), Error> {
        let schema = Schema::find(&self.write).await.map_err(|err| self.unusable(&unusable::of_error(&err)))?;
        match unusable::of_schema(&schema) {
            Some(words) => Err(self.unusable(&words)),
            None if schema == Schema::Missing => Err(self.unusable(unusable::MISSING)),
            None => Ok(()),
        }
    }

    /// Applies the migrations that are missing, each in a transaction of its own, so that none holds its locks while another
    /// runs. Replicas that start together take turns.
    ///
    /// # Errors
    /// When the tables are those of a later version or of another program, or a migration fails; nothing of it is then applied,
    /// and those before it are.
    pub async fn migrate(&self) -> Result<(), Error> {
        match self.try_to_migrate().await {
            Ok(None) => Ok(()),
            Ok(Some(words)) => Err(self.unusable(&words)),
            Err(err) => Err(self.unusable(&unusable::of_error(&err))),
        }
    }

    fn unusable(&self, words: &str) -> Error {
        unusable::unusable(&self.place, words)
    }

    /// Why there is nothing to be migrated, if the tables are not ours.
    async fn try_to_migrate(&self) -> Result<Option<String>, DbErr> {
        loop {
            let transaction = match self.write.get_database_backend() {
                DbBackend::Sqlite => group::begin(&self.write).await?,
                _ => self.write.begin().await?,
            };
            alone(&transaction).await?;
            let schema = Schema::find(&transaction).await?;
            let words = unusable::of_schema(&schema);
            if words.is_some() || schema == Schema::Current {
                transaction.rollback().await?;
                return Ok(words);
            }
            // A step may take longer than a statement may.
            let transaction = transaction.into_inner();
            Migrator::up(&transaction, Some(1)).await?;
            transaction.commit().await?;
        }
    }

    /// Starts a transaction that no other started by this function runs beside, on any replica.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin_exclusive(&self) -> Result<Transaction, Error> {
        // A server must start on a full disk, too, and this is asked at every start.
        let transaction = self.begin_urgent().await?;
        alone(transaction.connection()).await?;
        Ok(transaction)
    }

    /// Starts a transaction that may write. Dropping it without a commit undoes it.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        self.begin_at(Urgency::Ordinary).await
    }

    /// Starts a transaction that takes rights away, or that verifying a value waits for. It is written even when the disk is
    /// full.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin_urgent(&self) -> Result<Transaction, Error> {
        self.begin_at(Urgency::Urgent).await
    }

    async fn begin_at(&self, urgency: Urgency) -> Result<Transaction, Error> {
        Ok(match &self.turns {
            Some(turns) => Transaction::in_turn(turns.next(urgency).await?),
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
        self.listings.close().await?;
        self.read.close().await?;
        self.write.close().await?;
        Ok(())
    }
}

/// Waits until no other that called this has its transaction open. On SQLite that is so anyway.
///
/// Another replica may migrate for many minutes, and PostgreSQL ends a single wait for a lock after seconds. So this asks again
/// and again, each time by a statement that is quick, so that a connection that has died is noticed.
async fn alone(transaction: &PoolTransaction) -> Result<(), DbErr> {
    if transaction.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let lock = format!("SELECT pg_try_advisory_xact_lock({START_LOCK})");
    let statement = Statement::from_string(DbBackend::Postgres, lock);
    let mut turns = interval(TURN_INTERVAL);
    let mut waited = false;
    loop {
        turns.tick().await;
        let row = transaction.query_one_raw(statement.clone()).await?;
        if row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(false) {
            return Ok(());
        }
        if !waited {
            tracing::info!("another replica is starting or migrates the database: waiting for it");
            waited = true;
        }
    }
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
