//! Finding the primary. A standby lags behind and announces no changes, so a connection to one is never used (R10).

use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{self, ConnectOptions, Connection, Row};
use tokio::time::timeout;

use crate::store::connect::unusable::{self, STANDBY};

use super::address::address;

/// How long a server may take to connect and to answer before the next one is tried.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// A setting that only the startup message makes. Where it is missing, a connection pooler has dropped the options of that message.
pub(super) const DIRECT: (&str, &str) = ("rotakey.direct", "on");

/// The SQL condition that a server is in recovery or read-only.
macro_rules! only_reads {
    () => {
        "pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"
    };
}

/// The SQL expression for the [`ServerId`].
macro_rules! server_id {
    () => {
        "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint"
    };
}

pub(in crate::store) use only_reads;
pub(super) use server_id;

/// Whether the server only reads, whether a pooler is in between, and which server it is.
const ROLE: &str =
    concat!("SELECT ", only_reads!(), ", current_setting('rotakey.direct', true) IS NULL, ", server_id!());

/// A server, by the moment when it was started, in Unix microseconds. A former primary and its successor were not started in the
/// same one.
pub(in crate::store) type ServerId = i64;

/// A server that was found to be the primary.
#[derive(Clone, Debug)]
pub(in crate::store) struct Primary {
    pub(in crate::store) options: PgConnectOptions,
    /// Which server it is, if a connection pooler is in between, which may connect to another one at any time.
    pub(in crate::store) pooled: Option<ServerId>,
}

/// The first of these servers that is a primary and may write.
///
/// # Errors
/// What is wrong with each server, if none of them is a primary.
pub(in crate::store) async fn find_primary(servers: &[PgConnectOptions]) -> Result<Primary, String> {
    let mut causes = Vec::new();
    for server in servers {
        let asked = timeout(ANSWER_TIMEOUT, ask(server)).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let words = match asked {
            Ok(Some(primary)) => return Ok(primary),
            Ok(None) => STANDBY.to_owned(),
            Err(err) => unusable::of_sqlx_error(&err),
        };
        causes.push(if servers.len() > 1 { format!("{}: {words}", address(server)) } else { words });
    }
    Err(causes.join(" "))
}

/// Connects once. A pool would retry until its timeout, and report only the timeout.
async fn ask(server: &PgConnectOptions) -> Result<Option<Primary>, sqlx::Error> {
    let mut connection = server.connect().await?;
    // Unprepared, because a pooler may send the two messages of a prepared statement to different servers.
    let row = sqlx::raw_sql(ROLE).fetch_one(&mut connection).await?;
    let (only_reads, is_pooled, id): (bool, bool, ServerId) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    // An error does not matter: the connection is not used again.
    let _ = connection.close().await;
    Ok((!only_reads).then(|| {
        // The driver must not take a statement for prepared that is so on another server connection.
        let options = if is_pooled { server.clone().statement_cache_capacity(0) } else { server.clone() };
        Primary { options, pooled: is_pooled.then_some(id) }
    }))
}

/// Fails unless the server of this connection is a primary that may write.
pub(super) async fn require_primary(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    if may_write(connection).await? { Ok(()) } else { Err(sqlx::Error::Protocol(STANDBY.to_owned())) }
}

async fn may_write(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let only_reads: bool = sqlx::query_scalar(concat!("SELECT ", only_reads!())).fetch_one(connection).await?;
    Ok(!only_reads)
}
