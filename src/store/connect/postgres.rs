//! Opening a pool of connections to PostgreSQL: durable at every commit, and without a wait that has no end.

use std::time::Duration;

use sea_orm::Database;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use tokio::time::timeout;

use crate::store::{Error, Store};

use super::unusable::{self, unusable};
use super::{ACQUIRE_TIMEOUT, pool_options};

/// How long PostgreSQL waits for a row that another transaction is changing.
const LOCK_TIMEOUT: &str = "5s";
/// For how long PostgreSQL keeps a transaction open in which nothing is asked. A change must be committed long before the row
/// that tells of it is deleted, also where a process is suspended between the two.
const IDLE_TIMEOUT: &str = "10s";
/// For how long a connection to PostgreSQL that was just given back need not be asked whether it still answers.
const BELIEVED_FOR: Duration = Duration::from_millis(100);
const UNREADABLE: &str = "at this URL, which cannot be read. Write it as postgres://USER:PASSWORD@HOST:PORT/NAME, and what is no \
                          letter or digit in a password by its code, such as %40 for @ and %2F for /.";
const POSTGRES_CONNECTIONS: u32 = 16;

pub(super) async fn connect(url: &str) -> Result<Store, Error> {
    // Not the library's words: they quote the URL, and with it the password.
    let server: PgConnectOptions = url.parse().map_err(|_| Error::Unsuitable(UNREADABLE.into()))?;
    let place = place(&server).ok_or_else(|| Error::Unsuitable(UNREADABLE.into()))?;
    reach(&server).await.map_err(|words| unusable(&place, &words))?;
    let mut options = pool_options(url, POSTGRES_CONNECTIONS);
    // Whatever the server's defaults: an answer is sent after its transaction is on disk (R13), and nobody waits for a
    // lock, or keeps one, without end.
    options.map_sqlx_postgres_opts(|options| {
        options.options([
            ("synchronous_commit", "on"),
            ("lock_timeout", LOCK_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
        ])
    });
    // The pool asks a connection whether it still answers when it is given back; to ask again at once would cost a round trip
    // before every look-up and every transaction.
    options.test_before_acquire_if_idle_for(BELIEVED_FOR);
    let pool = Database::connect(options).await.map_err(|err| unusable(&place, &unusable::of_error(&err)))?;
    Ok(Store::on_server(place, pool))
}

/// Host, port and name; `None` where a letter of the password was read as the end of the host.
fn place(server: &PgConnectOptions) -> Option<String> {
    let database = server.get_database().unwrap_or_default();
    let host = match server.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => server.get_host().to_owned(),
    };
    let readable = !database.contains(['@', '/']) && !host.contains('@');
    readable.then(|| format!("{host}:{}/{database}", server.get_port()))
}

/// Connects once, because a pool tries again until its time is over, and then says nothing but that.
async fn reach(server: &PgConnectOptions) -> Result<(), String> {
    let connected = timeout(ACQUIRE_TIMEOUT, server.connect()).await;
    let connection = connected.map_err(|_| unusable::of_sqlx_error(&sqlx::Error::PoolTimedOut))?;
    // It is of no further use, so it does not matter how it ends.
    let _ = connection.map_err(|err| unusable::of_sqlx_error(&err))?.close().await;
    Ok(())
}
