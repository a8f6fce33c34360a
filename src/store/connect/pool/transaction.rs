//! A transaction, directly on a server or behind a connection pooler.

use sea_orm::prelude::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::contact::{Contact, Inner};
use super::trace::span_of;

/// A transaction, which fails when contact is lost.
#[derive(Debug)]
pub(in crate::store) struct PoolTransaction {
    pub(super) inner: Inner,
    pub(super) contact: Contact,
}

impl PoolTransaction {
    /// The transaction of the driver, whose statements and commit have no timeout.
    ///
    /// # Errors
    /// When it was not begun by [`Pool::begin_direct`], behind a connection pooler.
    ///
    /// [`Pool::begin_direct`]: super::Pool::begin_direct
    pub(in crate::store) fn into_direct(self) -> Result<DatabaseTransaction, DbErr> {
        match self.inner {
            Inner::Direct(transaction) => Ok(transaction),
            Inner::Pooled(_) => Err(DbErr::Custom("the transaction is behind a connection pooler".to_owned())),
        }
    }

    pub(in crate::store) async fn commit(self) -> Result<(), DbErr> {
        match self.inner {
            Inner::Direct(transaction) => self.contact.run(transaction.commit()).await,
            Inner::Pooled(transaction) => self.contact.run(transaction.commit()).await,
        }
    }

    pub(in crate::store) async fn rollback(self) -> Result<(), DbErr> {
        match self.inner {
            Inner::Direct(transaction) => self.contact.run(transaction.rollback()).await,
            Inner::Pooled(transaction) => self.contact.run(transaction.rollback()).await,
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for PoolTransaction {
    fn get_database_backend(&self) -> DbBackend {
        match &self.inner {
            Inner::Direct(transaction) => transaction.get_database_backend(),
            Inner::Pooled(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let span = span_of(self.get_database_backend(), &statement.sql);
        let outcome = match &self.inner {
            Inner::Direct(transaction) => self.contact.run(transaction.execute_raw(statement)).await,
            Inner::Pooled(transaction) => self.contact.run(transaction.execute(&statement)).await,
        };
        span.end(outcome)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.inner {
            Inner::Direct(transaction) => self.contact.run(transaction.execute_unprepared(sql)).await,
            Inner::Pooled(transaction) => self.contact.run(transaction.execute_unprepared(sql)).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let span = span_of(self.get_database_backend(), &statement.sql);
        let outcome = match &self.inner {
            Inner::Direct(transaction) => self.contact.run(transaction.query_one_raw(statement)).await,
            Inner::Pooled(transaction) => self.contact.run(transaction.query_one(&statement)).await,
        };
        span.end(outcome)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let span = span_of(self.get_database_backend(), &statement.sql);
        let outcome = match &self.inner {
            Inner::Direct(transaction) => self.contact.run(transaction.query_all_raw(statement)).await,
            Inner::Pooled(transaction) => self.contact.run(transaction.query_all(&statement)).await,
        };
        span.end(outcome)
    }
}
