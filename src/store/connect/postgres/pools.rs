//! Connection pools for PostgreSQL: to a primary only, durable at every commit, with a timeout for every wait.

use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use sea_orm::{ConnectOptions as PoolOptions, Database, DbErr};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::store::connect::options::{LISTING_WAIT, pool_options};
use crate::store::connect::pool::Contact;
use crate::store::connect::unusable::{self, unusable};
use crate::store::{Error, Store};

use super::address::place;
use super::hosts;
use super::pooled::Begin;
use super::primary::{self, DIRECT, Primary, find_primary};
use super::tls;

/// How long PostgreSQL waits for a row that another transaction has locked.
const LOCK_TIMEOUT: &str = "5s";
/// How long PostgreSQL keeps an idle transaction open. A change must be committed long before the row that announces it is deleted,
/// even if the process is suspended in between.
const IDLE_TIMEOUT: &str = "10s";
/// How long a returned connection may be idle before it is tested again.
const IDLE_BEFORE_TEST: Duration = Duration::from_millis(100);
/// After this many milliseconds, PostgreSQL closes the connection of a replica that does not acknowledge data.
const TCP_USER_TIMEOUT_MILLIS: &str = "10000";
/// How long the server may take to answer that test. The change listener allows the same.
const TEST_TIMEOUT: Duration = Duration::from_secs(2);
/// How PostgreSQL finds that a replica is gone without having closed its connections: after this many idle seconds it asks, this many
/// seconds apart, this many times. Otherwise each would take one of its `max_connections` for two hours.
const KEEPALIVE: [(&str, &str); 3] =
    [("tcp_keepalives_idle", "10"), ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "3")];
const POSTGRES_CONNECTIONS: u32 = 16;
/// How many listings a replica runs at once. They have separate connections, so that a lookup never waits for one.
const POSTGRES_LISTINGS: u32 = 4;
/// Settings for listings only. Each has a timeout and is planned for its own filter. It reads a whole table only if no index will
/// do. Between two indexes, the planner chooses the one with fewer rows: an index in the order of the listing seems to find matches
/// soon, but may have all of them at its end. JIT and parallel workers are off, because starting them takes longer than reading a
/// page.
const LISTING_SETTINGS: [(&str, &str); 6] = [
    ("statement_timeout", "5s"),
    ("plan_cache_mode", "force_custom_plan"),
    ("enable_seqscan", "off"),
    ("cpu_tuple_cost", "100"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
];
/// The settings of every connection. They do not depend on the server's defaults: commits are durable before they are acknowledged
/// (R13), and every wait for a lock has a timeout.
const SETTINGS: [(&str, &str); 3] = [
    ("synchronous_commit", "on"),
    ("lock_timeout", LOCK_TIMEOUT),
    ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
];
/// Each statement sees what was committed before it, whatever the server's default: a lock is followed by a look at what it protects, and
/// a transaction that waits between statements keeps no snapshot, for which the build of an index would wait.
const ISOLATION: (&str, &str) = ("default_transaction_isolation", "read committed");
/// The message for a URL with options behind a pooler.
const OPTIONS_DROPPED: &str = "a connection pooler there drops the options in the URL, or in PGOPTIONS. Leave them out, and make these \
                               settings for the user in the database: ALTER ROLE … SET ….";
/// The library needs a URL even if options are given.
const ANY_URL: &str = "postgres://localhost";

pub(in crate::store::connect) async fn connect(url: &str) -> Result<Store, Error> {
    let servers = hosts::parse(url)?;
    let has_options = servers.iter().any(|server| server.get_options().is_some());
    let servers: Vec<_> = servers.into_iter().map(with_settings).collect();
    let place = place(&servers);
    tls::warn_of_unverified(&servers);
    let primary = find_primary(&servers).await.map_err(|words| unusable(&place, &words))?;
    if primary.pooled.is_some() {
        if has_options {
            return Err(unusable(&place, OPTIONS_DROPPED));
        }
        tracing::info!(name: "pooler_detected", "the database is behind a connection pooler: changes are polled for, without notifications");
    }
    let listings = open_listings(&primary).await.map_err(|err| unusable(&place, &unusable::of_error(&err)))?;
    let connections = open(&primary).await.map_err(|err| unusable(&place, &unusable::of_error(&err)))?;
    Ok(Store::on_server(place, servers, connections, listings))
}

/// How to connect. A pooler would refuse the precision of floating-point numbers, which the driver sets; there are none here.
fn with_settings(server: PgConnectOptions) -> PgConnectOptions {
    server
        .disable_statement_logging()
        .extra_float_digits(None)
        .options(SETTINGS)
        .options([("tcp_user_timeout", TCP_USER_TIMEOUT_MILLIS), ISOLATION, DIRECT])
        .options(KEEPALIVE)
}

/// How a transaction of the change listener begins behind a pooler.
pub(in crate::store) fn begin(primary: &Primary) -> Option<Begin> {
    primary.pooled.map(|server| Begin::new(server, &SETTINGS))
}

/// A pool of connections to this server, each opened when it is needed and only while the server is a primary.
pub(in crate::store) async fn open(primary: &Primary) -> Result<Contact, DbErr> {
    let lost = CancellationToken::new();
    let options = connections(primary, &[], POSTGRES_CONNECTIONS, lost.clone());
    Ok(Contact::new(Database::connect(options).await?, begin(primary), lost))
}

/// As [`open`], for listings.
pub(in crate::store) async fn open_listings(primary: &Primary) -> Result<Contact, DbErr> {
    let lost = CancellationToken::new();
    let mut options = connections(primary, &LISTING_SETTINGS, POSTGRES_LISTINGS, lost.clone());
    options.acquire_timeout(LISTING_WAIT);
    let settings = [SETTINGS.as_slice(), LISTING_SETTINGS.as_slice()].concat();
    let begin = primary.pooled.map(|server| Begin::new(server, &settings));
    Ok(Contact::new(Database::connect(options).await?, begin, lost))
}

fn connections(primary: &Primary, settings: &[(&str, &str)], most: u32, lost: CancellationToken) -> PoolOptions {
    let server = primary.options.clone().options(settings.iter().copied());
    let mut options = pool_options(ANY_URL, most);
    options.connect_lazy(true);
    options.map_sqlx_postgres_opts(move |_| server.clone());
    // Behind a pooler, each transaction makes sure of it.
    if primary.pooled.is_none() {
        options.map_sqlx_postgres_pool_opts(|options| {
            options.after_connect(|connection, _| Box::pin(primary::require_primary(connection)))
        });
    }
    // The pool tests a connection when it is returned. Testing it again at once would add a round trip to every lookup and
    // transaction.
    options.test_before_acquire(false);
    options.map_sqlx_postgres_before_acquire(move |connection, used| {
        let lost = lost.clone();
        Box::pin(async move {
            if used.idle_for >= IDLE_BEFORE_TEST {
                test(connection, &lost).await?;
            }
            Ok(true)
        })
    });
    options
}

/// Tests an idle connection. If there is no answer, the connection is dead although nothing closed it: a firewall has forgotten it, for
/// example. Others of the pool will be dead, too, and a statement on one would wait for a long time. So contact is lost, and all of
/// them are replaced.
async fn test(connection: &mut PgConnection, lost: &CancellationToken) -> Result<(), sqlx::Error> {
    timeout(TEST_TIMEOUT, connection.ping()).await.unwrap_or_else(|_| {
        lost.cancel();
        Err(sqlx::Error::PoolTimedOut)
    })
}
