//! On PostgreSQL behind PgBouncer in transaction mode, which may connect to another server at any time.

use rotakey::domain::id::TokenId;
use rotakey::domain::timestamp::Timestamp;
use rotakey::store::{Error, Store};
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{self, ConnectOptions};

use crate::support::cluster::PostgresServer;
use crate::support::deadline::until;
use crate::support::pooler::Pooler;

/// Waits until PgBouncer has a connection to the server that is at its address now.
async fn wait_for_server(pooler: &Pooler) {
    let options: PgConnectOptions = pooler.url().parse().unwrap();
    until("a server behind PgBouncer", async || {
        let connected = options.clone().extra_float_digits(None).connect().await;
        match connected {
            Ok(mut connection) => sqlx::raw_sql("SELECT 1").execute(&mut connection).await.is_ok(),
            Err(_) => false,
        }
    })
    .await;
}

/// A standby takes the place of the primary behind PgBouncer, and is made a primary or not.
async fn nothing_is_read_from_another_server(promoted: bool) {
    let primary = PostgresServer::primary().await;
    let standby = primary.synchronous_standby().await;
    let pooler = Pooler::start(&primary).await;
    let store = Store::connect(&pooler.url()).await.unwrap();
    store.migrate().await.unwrap();
    let mut listener = store.listen().await.unwrap();
    listener.wait_and_poll().await.unwrap();
    let id = TokenId::new(Timestamp::from_unix_millis(0), [1; 10]);
    assert!(store.find_token(id).await.unwrap().is_none());
    let standby = standby.take_the_place_of(primary).await;
    if promoted {
        standby.promote().await;
    }
    wait_for_server(&pooler).await;
    for _ in 0..2 {
        // No error of the server, which would answer.
        assert!(matches!(store.find_token(id).await, Err(Error::Unavailable(_))));
    }
    listener.wait_and_poll().await.unwrap_err();
    store.lose_contact();
    if !promoted {
        assert!(store.listen().await.is_err());
        standby.promote().await;
    }
    let mut listener = store.listen().await.unwrap();
    listener.wait_and_poll().await.unwrap();
    assert!(store.find_token(id).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r10_behind_pgbouncer_nothing_is_read_from_a_standby() {
    nothing_is_read_from_another_server(false).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r10_behind_pgbouncer_nothing_is_read_from_a_new_primary_before_its_changes_are_polled_for() {
    nothing_is_read_from_another_server(true).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_options_of_the_url_that_pgbouncer_drops_are_refused() {
    let primary = PostgresServer::primary().await;
    let pooler = Pooler::start(&primary).await;
    let url = format!("{}?options=-c%20geqo%3Doff", pooler.url());
    let refused = Store::connect(&url).await.unwrap_err().to_string();
    assert!(refused.contains("drops the options") && refused.contains("ALTER ROLE"), "{refused}");
    Store::connect(&url.replace(&pooler.url(), &primary.url())).await.unwrap();
}
