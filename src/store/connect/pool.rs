//! A connection pool that follows contact with the database.
//!
//! On PostgreSQL the server can change, when a standby takes over from a primary. So each contact has its own pool, to one server.
//! When contact is lost, the pool is closed, running statements fail at once, and there are no connections until contact is
//! regained. So no statement reaches the previous server, and no client waits for a server that does not answer. On SQLite the pool
//! stays the same.

mod contact;
mod trace;
mod transaction;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::prelude::async_trait;
use sea_orm::sqlx::{self, Database, SqlitePool};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement, TransactionOptions,
};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::postgres::primary::Primary;
use contact::lost;
use trace::{span, span_of};

pub(in crate::store) use contact::Contact;
pub(in crate::store) use transaction::PoolTransaction;

/// How long a statement waits for contact to be regained.
const CONTACT_TIMEOUT: Duration = Duration::from_millis(800);
/// How long the connections of a lost contact may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The connections to the database. Clones share them.
#[derive(Clone, Debug)]
pub(in crate::store) struct Pool {
    backend: DbBackend,
    /// None while contact is lost.
    contact: Arc<watch::Sender<Option<Contact>>>,
}

/// How many connections of a pool there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Usage {
    pub(in crate::store) used: usize,
    pub(in crate::store) idle: usize,
    pub(in crate::store) max: u32,
}

impl From<DatabaseConnection> for Pool {
    fn from(connections: DatabaseConnection) -> Self {
        Contact::new(connections, None, CancellationToken::new()).into()
    }
}

impl From<Contact> for Pool {
    fn from(contact: Contact) -> Self {
        let backend = contact.connections.get_database_backend();
        Self { backend, contact: Arc::new(watch::Sender::new(Some(contact))) }
    }
}

impl Pool {
    /// Connections to a SQLite file that only read, and keep their connections. If they are limited, long statements are interrupted.
    pub(in crate::store) fn of_readers(connections: DatabaseConnection, limited: bool) -> Self {
        Contact::of_readers(connections, limited).into()
    }

    /// The current PostgreSQL server, if there is contact.
    pub(in crate::store) fn server(&self) -> Option<Primary> {
        self.contact.borrow().as_ref().map(Contact::server)
    }

    fn connections(&self) -> Option<DatabaseConnection> {
        self.contact.borrow().as_ref().map(|contact| contact.connections.clone())
    }

    /// Regains contact, with these connections.
    pub(in crate::store) fn regain(&self, contact: Contact) {
        self.contact.send_replace(Some(contact));
    }

    /// Waits until a connection of this contact is found to be dead although it was not closed, or to lead to another server.
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
        let contact = self.contact.borrow().clone();
        match contact.map(|contact| (contact.connections, contact.readers)) {
            Some((_, Some(readers))) => {
                readers.close().await;
                Ok(())
            }
            Some((connections, None)) => connections.close().await,
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
        let span = span(self.backend, "BEGIN");
        let contact = self.contact().await?;
        let inner = span.end(contact.run(contact.begin(options)).await)?;
        Ok(PoolTransaction { inner, contact })
    }

    /// Starts a transaction of which [`PoolTransaction::into_direct`] makes one of the driver.
    pub(in crate::store) async fn begin_direct(&self) -> Result<PoolTransaction, DbErr> {
        let contact = self.contact().await?;
        let inner = contact.run(contact.begin_direct()).await?;
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
        let Some(contact) = self.contact.borrow().clone() else { return Usage::default() };
        let usage = match self.backend {
            DbBackend::Sqlite => of(contact.connections.get_sqlite_connection_pool()),
            _ => of(contact.connections.get_postgres_connection_pool()),
        };
        let kept = contact.readers.map_or(0, |readers| readers.kept());
        Usage { used: usage.used.saturating_sub(kept), idle: usage.idle + kept, ..usage }
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

#[async_trait::async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let span = span_of(self.backend, &statement.sql);
        let contact = self.contact().await?;
        span.end(contact.run(contact.execute(statement)).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let contact = self.contact().await?;
        contact.run(contact.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let span = span_of(self.backend, &statement.sql);
        let contact = self.contact().await?;
        span.end(contact.run(contact.query_one(statement)).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let span = span_of(self.backend, &statement.sql);
        let contact = self.contact().await?;
        span.end(contact.run(contact.query_all(statement)).await)
    }
}
