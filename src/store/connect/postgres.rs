//! Opening a pool of connections to PostgreSQL: durable at every commit, and without a wait that has no end.

use std::time::Duration;

use sea_orm::Database;
use sea_orm::sqlx::postgres::PgConnectOptions;

use crate::store::{Error, Store};

use super::pool_options;

/// How long PostgreSQL waits for a row that another transaction is changing.
const LOCK_TIMEOUT: &str = "5s";
/// For how long PostgreSQL keeps a transaction open in which nothing is asked. A change must be committed long before the row
/// that tells of it is deleted, also where a process is suspended between the two.
const IDLE_TIMEOUT: &str = "10s";
/// For how long a connection to PostgreSQL that was just given back need not be asked whether it still answers.
const BELIEVED_FOR: Duration = Duration::from_millis(100);
const POSTGRES_CONNECTIONS: u32 = 16;

pub(super) async fn connect(url: &str) -> Result<Store, Error> {
    // Not the library's words: they quote the URL, and with it the password.
    url.parse::<PgConnectOptions>().map_err(|_| Error::Unsuitable("The PostgreSQL URL cannot be read.".into()))?;
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
    let pool = Database::connect(options).await?;
    Ok(Store::new(pool.clone(), pool))
}
