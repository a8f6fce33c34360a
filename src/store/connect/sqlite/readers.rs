//! Connections to a SQLite file for reading, which are kept from one statement to the next.
//!
//! The driver's pool tests every connection that is returned to it, by a round trip to the thread of the connection. This takes longer
//! than many a statement. So a connection is returned only if its statement failed or was cancelled: then it may still be running.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::{self, AssertSqlSafe, Sqlite, SqlitePool};
use sea_orm::{ConnAcquireErr, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::statement_limit::Steps;

/// The connections of a pool. Clones share them.
#[derive(Clone, Debug)]
pub(in crate::store) struct Readers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: SqlitePool,
    /// One for each connection of the pool.
    permits: Semaphore,
    /// Whether each statement is limited.
    limited: bool,
    /// Those that no statement is using; `None` once they are closed.
    kept: Mutex<Option<Vec<Reader>>>,
}

#[derive(Debug)]
struct Reader {
    connection: PoolConnection<Sqlite>,
    steps: Option<Steps>,
}

/// The right to use a connection.
struct Lease<'a> {
    readers: &'a Readers,
    reader: Option<Reader>,
    _permit: SemaphorePermit<'a>,
}

impl Readers {
    /// The connections of this pool, which nothing else may use.
    pub(in crate::store) fn new(pool: SqlitePool, limited: bool) -> Self {
        let permits = Semaphore::new(usize::try_from(pool.options().get_max_connections()).unwrap_or(1));
        Self(Arc::new(Inner { pool, permits, limited, kept: Mutex::new(Some(Vec::new())) }))
    }

    pub(in crate::store) async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut lease = self.lease().await?;
        let row = query(statement).fetch_optional(lease.connection()?).await.map_err(of_query)?;
        lease.keep();
        Ok(row.map(QueryResult::from))
    }

    pub(in crate::store) async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut lease = self.lease().await?;
        let rows = query(statement).fetch_all(lease.connection()?).await.map_err(of_query)?;
        lease.keep();
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    pub(in crate::store) async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut lease = self.lease().await?;
        let outcome = query(statement).execute(lease.connection()?).await;
        let outcome = outcome.map_err(|err| DbErr::Exec(RuntimeErr::SqlxError(err.into())))?;
        lease.keep();
        Ok(outcome.into())
    }

    /// How many connections no statement is using, besides those in the pool.
    pub(in crate::store) fn kept(&self) -> usize {
        self.lock().as_ref().map_or(0, Vec::len)
    }

    /// Waits until no statement is using a connection, and closes all of them.
    pub(in crate::store) async fn close(&self) {
        drop(self.lock().take());
        self.0.pool.close().await;
    }

    async fn lease(&self) -> Result<Lease<'_>, DbErr> {
        let permit = match self.0.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                let permit = timeout(self.0.pool.options().get_acquire_timeout(), self.0.permits.acquire()).await;
                // The semaphore is never closed.
                permit.ok().and_then(Result::ok).ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?
            }
        };
        let kept = self.lock().as_mut().and_then(Vec::pop);
        let reader = match kept {
            Some(reader) => reader,
            None => self.take().await.map_err(of_acquiring)?,
        };
        if let Some(steps) = &reader.steps {
            steps.begin_count();
        }
        Ok(Lease { readers: self, reader: Some(reader), _permit: permit })
    }

    /// Takes a connection out of the pool. This waits if its last statement is still running.
    async fn take(&self) -> Result<Reader, sqlx::Error> {
        let mut connection = self.0.pool.acquire().await?;
        let steps = if self.0.limited { Some(Steps::limit(&mut connection).await?) } else { None };
        Ok(Reader { connection, steps })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Reader>>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    fn connection(&mut self) -> Result<&mut sqlx::SqliteConnection, DbErr> {
        // It is there until it is kept.
        self.reader
            .as_mut()
            .map(|reader| &mut *reader.connection)
            .ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }

    /// Keeps the connection for the next statement.
    fn keep(mut self) {
        if let Some(kept) = &mut *self.readers.lock() {
            kept.extend(self.reader.take());
        }
    }
}

fn query(statement: Statement) -> Query<'static, Sqlite, SqlxValues> {
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}

fn of_query(err: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(err.into()))
}

fn of_acquiring(err: sqlx::Error) -> DbErr {
    match err {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        err => DbErr::Conn(RuntimeErr::SqlxError(err.into())),
    }
}
