//! A connection pool that follows contact with the database.
//!
//! On PostgreSQL the server can change, when a standby takes over from a primary. So each contact has its own pool, to one server.
//! When contact is lost, the pool is closed, running statements fail at once, and there are no connections until contact is
//! regained. So no statement reaches the previous server, and no client waits for a server that does not answer. On SQLite the pool
//! stays the same.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::prelude::async_trait;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{self, Database, SqlitePool};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement, TransactionOptions, TransactionTrait,
};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a statement waits for contact to be regained.
const CONTACT_TIMEOUT: Duration = Duration::from_millis(800);
/// How long a statement may take. Without a limit, one whose connection died silently would wait forever.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the connections of a lost contact may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The connections to the database. Clones share them.
#[derive(Clone, Debug)]
pub(in crate::store) struct Pool {
    backend: DbBackend,
    /// None while contact is lost.
    contact: Arc<watch::Sender<Option<Contact>>>,
}

/// The connections of one contact.
#[derive(Clone, Debug)]
pub(in crate::store) struct Contact {
    connections: DatabaseConnection,
    lost: CancellationToken,
}

/// How many connections of a pool there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Usage {
    pub(in crate::store) used: usize,
    pub(in crate::store) idle: usize,
    pub(in crate::store) max: u32,
}

/// A transaction, which fails when contact is lost.
#[derive(Debug)]
pub(in crate::store) struct PoolTransaction {
    inner: DatabaseTransaction,
    contact: Contact,
}

impl From<DatabaseConnection> for Pool {
    fn from(connections: DatabaseConnection) -> Self {
        Contact::new(connections, CancellationToken::new()).into()
    }
}

impl From<Contact> for Pool {
    fn from(contact: Contact) -> Self {
        let backend = contact.connections.get_database_backend();
        Self { backend, contact: Arc::new(watch::Sender::new(Some(contact))) }
    }
}

impl Pool {
    /// How to connect to the current PostgreSQL server, if there is contact.
    pub(in crate::store) fn server(&self) -> Option<PgConnectOptions> {
        let connections = self.connections()?;
        Some(connections.get_postgres_connection_pool().connect_options().as_ref().clone())
    }

    fn connections(&self) -> Option<DatabaseConnection> {
        self.contact.borrow().as_ref().map(|contact| contact.connections.clone())
    }

    /// Regains contact, with these connections.
    pub(in crate::store) fn regain(&self, contact: Contact) {
        self.contact.send_replace(Some(contact));
    }

    /// Waits until a connection of this contact is found to be dead although it was not closed.
    pub(in crate::store) async fn found_dead(&self) {
        let lost = self.contact.borrow().as_ref().map(|contact| contact.lost.clone());
        match lost {
            Some(lost) => lost.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Loses contact: running statements fail, and every connection is closed.
    pub(in crate::store) fn lose(&self) {
        let Some(contact) = self.contact.send_replace(None) else { return };
        contact.lost.cancel();
        // In a task, because closing waits for a server that may not answer.
        tokio::spawn(timeout(CLOSE_TIMEOUT, contact.connections.close()));
    }

    /// Waits until every connection is returned, and closes them.
    pub(in crate::store) async fn close(&self) -> Result<(), DbErr> {
        match self.connections() {
            Some(connections) => connections.close().await,
            None => Ok(()),
        }
    }

    pub(in crate::store) async fn begin(&self) -> Result<PoolTransaction, DbErr> {
        self.begin_with_options(TransactionOptions::default()).await
    }

    pub(in crate::store) async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<PoolTransaction, DbErr> {
        let contact = self.contact().await?;
        let inner = contact.run(contact.connections.begin_with_options(options)).await?;
        Ok(PoolTransaction { inner, contact })
    }

    /// The driver's own pool of connections to a SQLite file.
    pub(in crate::store) fn sqlite(&self) -> Option<SqlitePool> {
        Some(self.connections()?.get_sqlite_connection_pool().clone())
    }

    /// How many connections there are now; none while contact is lost.
    pub(in crate::store) fn usage(&self) -> Usage {
        fn of<D: Database>(pool: &sqlx::Pool<D>) -> Usage {
            let (open, idle) = (usize::try_from(pool.size()).unwrap_or_default(), pool.num_idle());
            Usage { used: open.saturating_sub(idle), idle, max: pool.options().get_max_connections() }
        }
        let Some(connections) = self.connections() else { return Usage::default() };
        match self.backend {
            DbBackend::Sqlite => of(connections.get_sqlite_connection_pool()),
            _ => of(connections.get_postgres_connection_pool()),
        }
    }

    /// The present contact, or the next one if it comes soon.
    async fn contact(&self) -> Result<Contact, DbErr> {
        if let Some(contact) = self.contact.borrow().clone() {
            return Ok(contact);
        }
        let mut contacts = self.contact.subscribe();
        let regained = timeout(CONTACT_TIMEOUT, contacts.wait_for(Option::is_some)).await;
        regained.ok().and_then(|contact| contact.ok()?.clone()).ok_or_else(lost)
    }
}

impl Contact {
    /// Cancelling `lost` makes running statements fail.
    pub(in crate::store) fn new(connections: DatabaseConnection, lost: CancellationToken) -> Self {
        Self { connections, lost }
    }

    /// How many connections it has at most.
    pub(in crate::store) fn max_connections(&self) -> u32 {
        self.connections.get_postgres_connection_pool().options().get_max_connections()
    }

    /// Runs a statement; fails when contact is lost. Then it is unknown whether the statement was executed.
    async fn run<T>(&self, statement: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        tokio::select! {
            biased;
            outcome = timeout(STATEMENT_TIMEOUT, statement) => outcome.unwrap_or_else(|_| Err(unanswered())),
            () = self.lost.cancelled() => Err(lost()),
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let contact = self.contact().await?;
        contact.run(contact.connections.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let contact = self.contact().await?;
        contact.run(contact.connections.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let contact = self.contact().await?;
        contact.run(contact.connections.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let contact = self.contact().await?;
        contact.run(contact.connections.query_all_raw(statement)).await
    }
}

impl PoolTransaction {
    /// The transaction itself, whose statements and commit have no timeout.
    pub(in crate::store) fn into_inner(self) -> DatabaseTransaction {
        self.inner
    }

    pub(in crate::store) async fn commit(self) -> Result<(), DbErr> {
        self.contact.run(self.inner.commit()).await
    }

    pub(in crate::store) async fn rollback(self) -> Result<(), DbErr> {
        self.contact.run(self.inner.rollback()).await
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for PoolTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.contact.run(self.inner.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.contact.run(self.inner.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.contact.run(self.inner.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.contact.run(self.inner.query_all_raw(statement)).await
    }
}

fn lost() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("contact with the database is lost".to_owned()))
}

fn unanswered() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("the database did not answer in time".to_owned()))
}
