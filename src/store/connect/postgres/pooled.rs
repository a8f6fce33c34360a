//! Transactions behind a connection pooler in transaction mode, such as PgBouncer. The pooler assigns a server connection to a
//! client for one transaction only, and drops the options of the startup message. So nothing may last longer:
//!
//! - Each transaction makes its own settings.
//! - Statements are unnamed. A named one would stay on a server connection that another client gets.
//! - A statement by itself gets a transaction, because the driver prepares it in one message and executes it in the next.
//! - Each transaction checks which server it is on, because the pooler may have connected to another one meanwhile. That could be a
//!   standby (R10), or the former primary, on which this replica does not poll for changes.

use std::sync::Arc;

use sea_orm::sqlx::postgres::{PgPool, Postgres};
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::{self, AssertSqlSafe, Executor, Transaction};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use tokio::sync::Mutex;

use crate::store::connect::unusable::ELSEWHERE;

use super::primary::{ServerId, only_reads, server_id};

/// `division_by_zero`: how the check fails on another server (PostgreSQL documentation, appendix A).
const CHECK_FAILED: &str = "22012";
/// Drops the named statements of the driver that an earlier migration left on this server connection. They have the same names.
const DROP_NAMED_STATEMENTS: &str = r"DO $$ DECLARE left_over text; BEGIN
    FOR left_over IN SELECT name FROM pg_prepared_statements WHERE name LIKE 'sqlx\_s\_%' LOOP
        EXECUTE format('DEALLOCATE %I', left_over);
    END LOOP;
END $$";

/// How each transaction on one server begins: with a check, and with settings.
#[derive(Clone, Debug)]
pub(in crate::store) struct Begin {
    server: ServerId,
    sql: Arc<str>,
    sql_for_named_statements: Arc<str>,
}

/// A transaction on a server connection that belongs to a pooler.
#[derive(Debug)]
pub(in crate::store) struct PooledTransaction(Mutex<Transaction<'static, Postgres>>);

impl Begin {
    /// With these settings, which last as long as the transaction.
    pub(in crate::store) fn new(server: ServerId, settings: &[(&str, &str)]) -> Self {
        let check = format!(concat!("SELECT 1 / (NOT (", only_reads!(), ") AND ", server_id!(), " = {})::int"), server);
        let settings: String =
            settings.iter().map(|(name, value)| format!("; SET LOCAL {name} TO '{value}'")).collect();
        Self {
            server,
            // The check comes first, so that if it fails no transaction is left open.
            sql: format!("{check}; BEGIN{settings}").into(),
            sql_for_named_statements: format!("{check}{settings}; {DROP_NAMED_STATEMENTS}").into(),
        }
    }

    pub(in crate::store) fn server(&self) -> ServerId {
        self.server
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`sqlx::Error::Protocol`] on another server, or if this one may not write any more.
    pub(in crate::store) async fn begin(&self, pool: &PgPool) -> Result<PooledTransaction, sqlx::Error> {
        let begun = pool.begin_with(AssertSqlSafe(self.sql.clone())).await;
        Ok(PooledTransaction(Mutex::new(begun.map_err(|err| if is_of_check(&err) { elsewhere() } else { err })?)))
    }

    /// Prepares a transaction that was begun otherwise and names its statements.
    ///
    /// # Errors
    /// As [`Begin::begin`].
    pub(in crate::store) async fn prepare(&self, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
        match transaction.execute_unprepared(&self.sql_for_named_statements).await {
            Err(DbErr::Exec(RuntimeErr::SqlxError(err))) if is_of_check(&err) => {
                Err(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(elsewhere()))))
            }
            prepared => prepared.map(drop),
        }
    }
}

impl PooledTransaction {
    pub(in crate::store) async fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        let outcome = query(statement).execute(&mut **self.0.lock().await).await;
        outcome.map(ExecResult::from).map_err(of_execution)
    }

    pub(in crate::store) async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let outcome = self.0.lock().await.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await;
        outcome.map(ExecResult::from).map_err(of_execution)
    }

    pub(in crate::store) async fn query_one(&self, statement: &Statement) -> Result<Option<QueryResult>, DbErr> {
        let row = query(statement).fetch_optional(&mut **self.0.lock().await).await;
        row.map(|row| row.map(QueryResult::from)).map_err(of_query)
    }

    pub(in crate::store) async fn query_all(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let rows = query(statement).fetch_all(&mut **self.0.lock().await).await;
        rows.map(|rows| rows.into_iter().map(QueryResult::from).collect()).map_err(of_query)
    }

    pub(in crate::store) async fn commit(self) -> Result<(), DbErr> {
        self.0.into_inner().commit().await.map_err(of_query)
    }

    pub(in crate::store) async fn rollback(self) -> Result<(), DbErr> {
        self.0.into_inner().rollback().await.map_err(of_query)
    }

    pub(in crate::store) fn into_inner(self) -> Transaction<'static, Postgres> {
        self.0.into_inner()
    }
}

/// Whether this is how the check of the server fails.
fn is_of_check(err: &sqlx::Error) -> bool {
    err.as_database_error().and_then(|err| err.code()).is_some_and(|code| code == CHECK_FAILED)
}

fn elsewhere() -> sqlx::Error {
    sqlx::Error::Protocol(ELSEWHERE.to_owned())
}

fn query(statement: &Statement) -> Query<'_, Postgres, SqlxValues> {
    let values = statement.values.clone().unwrap_or_else(|| Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values)).persistent(false)
}

fn of_execution(err: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(err)))
}

fn of_query(err: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(err)))
}
