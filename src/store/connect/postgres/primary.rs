//! Finding the primary. A standby lags behind and announces no changes, so a connection to one is never used (R10).

use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use tokio::time::timeout;

use crate::store::connect::unusable;

use super::address::address;

/// How long a server may take to connect and to answer before the next one is tried.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// The message for a standby or a read-only server.
pub(in crate::store) const STANDBY: &str = "the server is a standby, or read-only. Name the primary.";

/// The SQL condition that a server is in recovery or read-only.
macro_rules! only_reads {
    () => {
        "pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"
    };
}

pub(in crate::store) use only_reads;

/// The first of these servers that is a primary and may write.
///
/// # Errors
/// What is wrong with each server, if none of them is a primary.
pub(in crate::store) async fn find_primary(servers: &[PgConnectOptions]) -> Result<PgConnectOptions, String> {
    let mut causes = Vec::new();
    for server in servers {
        let asked = timeout(ANSWER_TIMEOUT, ask(server)).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let words = match asked {
            Ok(true) => return Ok(server.clone()),
            Ok(false) => STANDBY.to_owned(),
            Err(err) => unusable::of_sqlx_error(&err),
        };
        causes.push(if servers.len() > 1 { format!("{}: {words}", address(server)) } else { words });
    }
    Err(causes.join(" "))
}

/// Connects once. A pool would retry until its timeout, and report only the timeout.
async fn ask(server: &PgConnectOptions) -> Result<bool, sqlx::Error> {
    let mut connection = server.connect().await?;
    let writes = may_write(&mut connection).await?;
    // An error does not matter: the connection is not used again.
    let _ = connection.close().await;
    Ok(writes)
}

/// Fails unless the server of this connection is a primary that may write.
pub(super) async fn require_primary(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    if may_write(connection).await? { Ok(()) } else { Err(sqlx::Error::Protocol(STANDBY.to_owned())) }
}

async fn may_write(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let only_reads: bool = sqlx::query_scalar(concat!("SELECT ", only_reads!())).fetch_one(connection).await?;
    Ok(!only_reads)
}
