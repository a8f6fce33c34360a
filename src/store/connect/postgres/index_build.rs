//! Building an index before its migration, while tokens are created and rotated.
//!
//! The build runs in no transaction, so it may leave an invalid index behind: when it fails, when the server crashes, or while it goes on
//! without this process. The next start removes that index, and builds it again.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use migration::{ConcurrentIndex, IndexState, Migrator, MigratorTrait, index_before};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, Statement};
use tokio::time::interval;

use crate::store::connect::pool::Pool;

/// How often to use the transaction that holds the lock. The server ends one that is idle for longer.
const KEEP_INTERVAL: Duration = Duration::from_secs(2);
/// Uses it. The build waits for every transaction that has a snapshot, and this statement takes none.
const KEEP: &str = "SHOW lock_timeout";
/// How often to look whether another session still builds the index.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);
/// The build waits for older transactions for as long as they take. Nothing waits for it.
const SETTINGS: [(&str, &str); 2] = [("lock_timeout", "0"), ("statement_timeout", "0")];
/// `lock_not_available` (PostgreSQL documentation, appendix A).
const LOCKED: &str = "55P03";

/// Builds the index of the next step, if that has one, on PostgreSQL. The transaction has the lock of starting replicas, and keeps it.
pub(in crate::store::connect) async fn before_next_step(
    pool: &Pool,
    transaction: &DatabaseTransaction,
) -> Result<(), DbErr> {
    if transaction.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let pending = Migrator::get_pending_migrations(transaction).await?;
    match pending.first().and_then(|step| index_before(step.name())) {
        Some(index) => keep_while(transaction, build(pool, index)).await,
        None => Ok(()),
    }
}

async fn build(pool: &Pool, index: &ConcurrentIndex) -> Result<(), DbErr> {
    // The step itself builds it on an empty table.
    if remove_invalid(pool, index).await? != IndexState::Missing || is_empty(pool, index.table()).await? {
        return Ok(());
    }
    tracing::info!(
        name: "index_build_started",
        index = index.name(),
        "building an index; changes go on, and pg_stat_progress_create_index shows what it waits for"
    );
    let primary = pool.server().ok_or_else(|| DbErr::Conn(RuntimeErr::Internal("no contact".to_owned())))?;
    // A connection of its own, because a pooled one has timeouts.
    let mut connection = primary.options.options(SETTINGS).connect().await.map_err(failed)?;
    // Unprepared, because a pooler may send the two messages of a prepared statement to different servers.
    let create = sqlx::raw_sql(AssertSqlSafe(index.create_concurrently())).execute(&mut connection).await;
    create.map_err(failed)?;
    tracing::info!(name: "index_build_finished", index = index.name(), "the index is built");
    // An error does not matter: the connection is not used again.
    let _ = connection.close().await;
    Ok(())
}

/// Removes an index whose build failed. One that is still being built, for a process that is gone, is awaited.
async fn remove_invalid(pool: &Pool, index: &ConcurrentIndex) -> Result<IndexState, DbErr> {
    let (mut retries, mut waited) = (interval(RETRY_INTERVAL), false);
    loop {
        retries.tick().await;
        let transaction = pool.begin().await?;
        match index.lock_table(&transaction).await {
            Ok(()) => {
                let state = index.remove_invalid(&transaction).await?;
                transaction.commit().await?;
                return Ok(state);
            }
            Err(err) if is_locked(&err) => transaction.rollback().await?,
            Err(err) => return Err(err),
        }
        if !waited {
            tracing::info!(name: "index_build_awaited", index = index.name(), "the table is locked, such as by a build that goes on: waiting for it");
            waited = true;
        }
    }
}

async fn is_empty(pool: &Pool, table: &str) -> Result<bool, DbErr> {
    let sql = format!("SELECT NOT EXISTS (SELECT FROM {table})");
    let row = pool.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    row.map_or(Ok(false), |row| row.try_get_by_index(0))
}

/// Runs this while the transaction stays open.
async fn keep_while<T>(
    transaction: &DatabaseTransaction,
    work: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    let mut work = pin!(work);
    let mut uses = interval(KEEP_INTERVAL);
    loop {
        tokio::select! {
            outcome = &mut work => return outcome,
            _ = uses.tick() => transaction.execute_unprepared(KEEP).await.map(drop)?,
        }
    }
}

fn is_locked(err: &DbErr) -> bool {
    let DbErr::Exec(RuntimeErr::SqlxError(err)) = err else { return false };
    err.as_database_error().and_then(|err| err.code()).is_some_and(|code| code == LOCKED)
}

fn failed(err: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(err)))
}
