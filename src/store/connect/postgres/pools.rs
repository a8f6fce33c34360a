//! Pools of connections to PostgreSQL: to a primary, durable at every commit, with a timeout for every wait.

use std::time::Duration;

use sea_orm::sqlx::ConnectOptions;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{ConnectOptions as PoolOptions, Database, DatabaseConnection, DbErr};

use crate::store::{Error, Store};

use crate::store::connect::options::{LISTING_WAIT, pool_options};
use crate::store::connect::unusable::{self, unusable};

use super::address::place;
use super::hosts;
use super::primary::{self, find_primary};

/// How long PostgreSQL waits for a row that another transaction is changing.
const LOCK_TIMEOUT: &str = "5s";
/// For how long PostgreSQL keeps a transaction open in which nothing is asked. A change must be committed long before the row
/// that announces it is deleted, also where a process is suspended between the two.
const IDLE_TIMEOUT: &str = "10s";
/// For how long a returned connection is used again without being tested.
const IDLE_BEFORE_TEST: Duration = Duration::from_millis(100);
/// After how many milliseconds PostgreSQL closes the connection of a replica that does not acknowledge what is sent to it.
const TCP_USER_TIMEOUT_MILLIS: &str = "10000";
const POSTGRES_CONNECTIONS: u32 = 16;
/// How many listings a replica runs at once. They have connections of their own, so that looking up a value never waits for one.
const POSTGRES_LISTINGS: u32 = 4;
/// What holds for listings alone. No listing is unbounded. Each is planned for its own filter, never reads a whole table where an
/// index would do, and of two indexes reads the one in which it expects fewer rows, for an order that promises matches soon may
/// hold them all at its end. To compile or to share out the work would take longer than a page.
const LISTING_SETTINGS: [(&str, &str); 6] = [
    ("statement_timeout", "5s"),
    ("plan_cache_mode", "force_custom_plan"),
    ("enable_seqscan", "off"),
    ("cpu_tuple_cost", "100"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
];
/// What the library wants a URL for where options are given.
const ANY_URL: &str = "postgres://localhost";

pub(in crate::store::connect) async fn connect(url: &str) -> Result<Store, Error> {
    let servers: Vec<_> = hosts::parse(url)?.into_iter().map(with_settings).collect();
    let place = place(&servers);
    let primary = find_primary(&servers).await.map_err(|words| unusable(&place, &words))?;
    let listings = open_listings(primary.clone()).await.map_err(|err| unusable(&place, &unusable::of_error(&err)))?;
    let connections = open(primary).await.map_err(|err| unusable(&place, &unusable::of_error(&err)))?;
    Ok(Store::on_server(place, servers, connections, listings))
}

/// Whatever the server's defaults: commits are durable before they are acknowledged (R13), and no lock is waited for or held
/// without a limit.
fn with_settings(server: PgConnectOptions) -> PgConnectOptions {
    server.disable_statement_logging().options([
        ("synchronous_commit", "on"),
        ("lock_timeout", LOCK_TIMEOUT),
        ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
        ("tcp_user_timeout", TCP_USER_TIMEOUT_MILLIS),
    ])
}

/// A pool of connections to this server, each opened when it is needed and only while the server is a primary.
pub(in crate::store) async fn open(server: PgConnectOptions) -> Result<DatabaseConnection, DbErr> {
    Database::connect(connections(server, POSTGRES_CONNECTIONS)).await
}

/// As [`open`], for listings.
pub(in crate::store) async fn open_listings(server: PgConnectOptions) -> Result<DatabaseConnection, DbErr> {
    let mut options = connections(server.options(LISTING_SETTINGS), POSTGRES_LISTINGS);
    options.acquire_timeout(LISTING_WAIT);
    Database::connect(options).await
}

fn connections(server: PgConnectOptions, most: u32) -> PoolOptions {
    let mut options = pool_options(ANY_URL, most);
    options.connect_lazy(true);
    options.map_sqlx_postgres_opts(move |_| server.clone());
    options.map_sqlx_postgres_pool_opts(|options| {
        options.after_connect(|connection, _| Box::pin(primary::require_primary(connection)))
    });
    // The pool asks a connection whether it still answers when it is given back; to ask again at once would cost a round trip
    // before every lookup and every transaction.
    options.test_before_acquire_if_idle_for(IDLE_BEFORE_TEST);
    options
}
