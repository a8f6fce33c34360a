//! One contact with the database: the connections to one server.

use std::future::Future;
use std::time::Duration;

use sea_orm::sqlx;
use sea_orm::sqlx::postgres::PgPool;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
    TransactionOptions, TransactionTrait,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::store::connect::postgres::pooled::{Begin, PooledTransaction};
use crate::store::connect::postgres::primary::Primary;
use crate::store::connect::sqlite::readers::Readers;

/// How long a statement may take. Without a limit, one whose connection died silently would wait forever.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

/// The connections of one contact.
#[derive(Clone, Debug)]
pub(in crate::store) struct Contact {
    pub(super) connections: DatabaseConnection,
    /// What reads from a SQLite file, unless these connections write.
    pub(super) readers: Option<Readers>,
    /// How transactions begin if a connection pooler is in between.
    begin: Option<Begin>,
    pub(super) lost: CancellationToken,
}

/// A transaction of a contact.
#[derive(Debug)]
pub(super) enum Inner {
    Direct(DatabaseTransaction),
    Pooled(PooledTransaction),
}

impl Contact {
    /// Cancelling `lost` makes running statements fail.
    pub(in crate::store) fn new(
        connections: DatabaseConnection,
        begin: Option<Begin>,
        lost: CancellationToken,
    ) -> Self {
        Self { connections, readers: None, begin, lost }
    }

    /// Connections to a SQLite file that only read. If they are limited, long statements are interrupted.
    pub(super) fn of_readers(connections: DatabaseConnection, limited: bool) -> Self {
        let readers = Some(Readers::new(connections.get_sqlite_connection_pool().clone(), limited));
        Self { readers, ..Self::new(connections, None, CancellationToken::new()) }
    }

    /// How many connections it has at most.
    pub(in crate::store) fn max_connections(&self) -> u32 {
        self.postgres().options().get_max_connections()
    }

    /// The PostgreSQL server.
    pub(super) fn server(&self) -> Primary {
        let options = self.postgres().connect_options().as_ref().clone();
        Primary { options, pooled: self.begin.as_ref().map(Begin::server) }
    }

    fn postgres(&self) -> &PgPool {
        self.connections.get_postgres_connection_pool()
    }

    pub(super) async fn begin(&self, options: TransactionOptions) -> Result<Inner, DbErr> {
        Ok(match &self.begin {
            Some(begin) => Inner::Pooled(self.begin_pooled(begin).await?),
            None => {
                let connections = self.connections.clone();
                Inner::Direct(uncancelled(async move { connections.begin_with_options(options).await }).await?)
            }
        })
    }

    /// Begins a transaction of the driver, also behind a pooler. It names its statements.
    pub(super) async fn begin_direct(&self) -> Result<Inner, DbErr> {
        let transaction = self.connections.begin().await?;
        if let Some(begin) = &self.begin {
            begin.prepare(&transaction).await?;
        }
        Ok(Inner::Direct(transaction))
    }

    /// If another server answers, contact is lost: this replica polls for the changes of one server.
    async fn begin_pooled(&self, begin: &Begin) -> Result<PooledTransaction, DbErr> {
        let (begin, pool, lost) = (begin.clone(), self.postgres().clone(), self.lost.clone());
        uncancelled(async move {
            begin.begin(&pool).await.map_err(|err| {
                if matches!(err, sqlx::Error::Protocol(_)) {
                    lost.cancel();
                }
                DbErr::Conn(RuntimeErr::SqlxError(err.into()))
            })
        })
        .await
    }

    pub(super) async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        if let Some(readers) = &self.readers {
            return readers.execute(statement).await;
        }
        let Some(begin) = &self.begin else { return self.connections.execute_raw(statement).await };
        let transaction = self.begin_pooled(begin).await?;
        let outcome = transaction.execute(&statement).await?;
        transaction.commit().await?;
        Ok(outcome)
    }

    pub(super) async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let Some(begin) = &self.begin else { return self.connections.execute_unprepared(sql).await };
        let transaction = self.begin_pooled(begin).await?;
        let outcome = transaction.execute_unprepared(sql).await?;
        transaction.commit().await?;
        Ok(outcome)
    }

    pub(super) async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        if let Some(readers) = &self.readers {
            return readers.query_one(statement).await;
        }
        let Some(begin) = &self.begin else { return self.connections.query_one_raw(statement).await };
        let transaction = self.begin_pooled(begin).await?;
        let row = transaction.query_one(&statement).await?;
        transaction.commit().await?;
        Ok(row)
    }

    pub(super) async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if let Some(readers) = &self.readers {
            return readers.query_all(statement).await;
        }
        let Some(begin) = &self.begin else { return self.connections.query_all_raw(statement).await };
        let transaction = self.begin_pooled(begin).await?;
        let rows = transaction.query_all(&statement).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    /// Runs a statement; fails when contact is lost. Then it is unknown whether the statement was executed.
    ///
    /// The statement is boxed, because the futures of the driver have kilobytes, which every caller would contain several times.
    pub(super) fn run<T>(
        &self,
        statement: impl Future<Output = Result<T, DbErr>>,
    ) -> impl Future<Output = Result<T, DbErr>> {
        let statement = timeout(STATEMENT_TIMEOUT, Box::pin(statement));
        async {
            tokio::select! {
                biased;
                outcome = statement => outcome.unwrap_or_else(|_| Err(unanswered())),
                () = self.lost.cancelled() => Err(lost()),
            }
        }
    }
}

/// Begins a transaction in a task, which goes on if the client goes away, and then rolls back. If it were cancelled, the driver would
/// return the connection to the pool with the transaction open. The next statement on it would seem to be durable, and be rolled back
/// with that transaction later (R13).
async fn uncancelled<T: Send + 'static>(
    begin: impl Future<Output = Result<T, DbErr>> + Send + 'static,
) -> Result<T, DbErr> {
    // Without a limit of time, which would cancel it. The caller has its own.
    let begun = tokio::spawn(begin).await;
    begun.map_err(|err| DbErr::Conn(RuntimeErr::Internal(err.to_string())))?
}

pub(super) fn lost() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("contact with the database is lost".to_owned()))
}

fn unanswered() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("the database did not answer in time".to_owned()))
}
