//! On PostgreSQL: a database that pauses, goes away or is replaced, as clients of the real binary see it. These tests make servers
//! of their own, wherever the tests run on PostgreSQL at all.

use std::time::Duration;

use rotakey::domain::token::TokenKind;
use rotakey::domain::value::Value;
use rotakey::store::Store;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::support::client::{Answer, Client, Created};
use crate::support::cluster::PostgresServer;
use crate::support::link::{Link, Lost};
use crate::support::process::Process;

/// How long anything else may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `/verify` answers about the client's value.
async fn verify(client: &Client) -> String {
    let answer = Answer::of(client.request("GET", "/verify").send().await.unwrap()).await;
    if answer.status == 503 {
        assert_eq!(answer.header("Retry-After"), Some("1"));
    }
    answer.header("X-Token-Code").map_or_else(|| answer.status.to_string(), str::to_owned)
}

/// Waits until `/verify` answers this; until then it may answer only what is expected.
async fn wait_for(client: &Client, reported: &str, until_then: &[&str], limit: Duration) {
    let waiting = async {
        loop {
            let now = verify(client).await;
            if now == reported {
                return;
            }
            assert!(until_then.contains(&now.as_str()), "{now} while waiting for {reported}");
        }
    };
    timeout(limit, waiting).await.unwrap_or_else(|_| panic!("{reported} never came"));
}

/// Has the server cache the value in hand.
async fn have_cached(admin: &Client, client: &Client) {
    // The first use of a value changes its token, and the next poll reports that change.
    assert_eq!(verify(client).await, "200");
    admin.catch_up().await;
    assert_eq!(verify(client).await, "200");
}

/// A process on this database, and a token that it has cached.
async fn start(folder: &TempDir, url: &str) -> (Process, Client, Created) {
    let process = Process::serve(folder.path(), url);
    let admin = process.client().with(process.first_value());
    let token = admin.create(json!({ "name": "n" })).await.unwrap();
    have_cached(&admin, &token.client).await;
    (process, admin, token)
}

/// Both servers by one URL, as the documentation shows it.
fn url_of(servers: [&PostgresServer; 2]) -> String {
    let [one, two] = servers.map(|server| server.port);
    format!("postgres://rotakey@127.0.0.1:{one},127.0.0.1:{two}/rotakey?target_session_attrs=read-write")
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_standby_is_not_taken_for_the_database_and_of_several_servers_the_primary_is() {
    let primary = PostgresServer::primary().await;
    let standby = primary.synchronous_standby().await;
    let refused = Store::connect(&standby.url()).await.unwrap_err();
    assert!(refused.to_string().contains("the server is a standby"), "{refused}");
    let store = Store::connect(&url_of([&standby, &primary])).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await.unwrap();
    primary.execute("ALTER DATABASE rotakey SET default_transaction_read_only = on").await;
    let refused = Store::connect(&primary.url()).await.unwrap_err();
    assert!(refused.to_string().contains("read-only"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r10_a_pause_of_seconds_stops_no_verification_and_a_longer_one_is_unavailable_within_a_second() {
    let primary = PostgresServer::primary().await;
    let folder = TempDir::new().unwrap();
    let (process, admin, token) = start(&folder, &primary.url()).await;
    let frozen_at = Instant::now();
    primary.freeze(true);
    // A value that is not cached fails as soon as contact is lost, whether the request came before or after.
    let unknown = token.client.with(Value::from_entropy(TokenKind::Private, &[9; 32]).expose());
    let asked_before = timeout(Duration::from_secs(5), verify(&unknown)).await;
    assert_eq!(asked_before.as_deref(), Ok("UNAVAILABLE"));
    process.logged("lost contact with the database");
    let listed = timeout(Duration::from_millis(1_500), admin.ask("{ apiTokens { edges { node { id } } } }")).await;
    assert_eq!(listed.unwrap().code(), Some("UNAVAILABLE"));
    // The last poll was a moment before, and for ten seconds after it cached values are answered.
    let remembered = async { while verify(&token.client).await == "200" {} };
    assert!(timeout_at(frozen_at + Duration::from_secs(8), remembered).await.is_err(), "it was forgotten too early");
    let forgotten = wait_for(&token.client, "UNAVAILABLE", &["200"], PATIENCE);
    assert!(timeout_at(frozen_at + Duration::from_secs(11), forgotten).await.is_ok(), "it was believed for too long");
    assert!(timeout(Duration::from_millis(1_500), verify(&token.client)).await.is_ok());
    primary.freeze(false);
    wait_for(&token.client, "200", &["UNAVAILABLE"], PATIENCE).await;
    assert!(admin.rotate().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r10_nothing_is_trusted_or_written_on_a_standby_at_the_address_of_the_database() {
    let primary = PostgresServer::primary().await;
    let standby = primary.synchronous_standby().await;
    let folder = TempDir::new().unwrap();
    let (_process, admin, token) = start(&folder, &primary.url()).await;
    let standby = standby.take_the_place_of(primary).await;
    // Cached values are no longer used after ten seconds, although the server at this address answers questions.
    wait_for(&token.client, "UNAVAILABLE", &["200"], Duration::from_secs(15)).await;
    for _ in 0..3 {
        let answer = admin.rest("POST", "/api-tokens", json!({ "name": "x" })).await;
        assert_eq!((answer.status, answer.body["code"].as_str()), (503, Some("UNAVAILABLE")), "{}", answer.body);
        assert_eq!(answer.header("Retry-After"), Some("1"));
        assert_eq!(verify(&token.client).await, "UNAVAILABLE");
    }
    standby.promote().await;
    wait_for(&token.client, "200", &["UNAVAILABLE"], PATIENCE).await;
    assert!(admin.rotate().await.is_ok());
}

/// Rotates until `stop` is true: the newest value that was acknowledged, and the codes of all refusals.
async fn rotate_on(mut client: Client, stop: tokio::sync::watch::Receiver<bool>) -> (Client, Vec<String>) {
    let mut codes = Vec::new();
    while !*stop.borrow() {
        match client.rotate().await {
            Ok(value) => client = client.with(value),
            Err(code) => codes.push(code),
        }
    }
    (client, codes)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_r10_r13_a_failover_under_load_loses_nothing_and_a_revocation_after_it_takes_effect_in_time() {
    let mut primary = PostgresServer::primary().await;
    let standby = primary.synchronous_standby().await;
    let url = url_of([&primary, &standby]);
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let (_here, admin, token) = start(&folders[0], &url).await;
    let there = Process::serve(folders[1].path(), &url);
    let elsewhere = token.client.at(&there.url);
    have_cached(&admin.at(&there.url), &elsewhere).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut rotating = JoinSet::new();
    for number in 0..8 {
        let holder = admin.create(json!({ "name": format!("holder {number}") })).await.unwrap().client;
        let holder = if number % 2 == 0 { holder } else { holder.at(&there.url) };
        rotating.spawn(rotate_on(holder, stopped.clone()));
    }
    primary.kill();
    standby.promote().await;
    let revoking = async {
        while let Err(code) = admin.revoke(&token.id).await {
            assert_eq!(code, "UNAVAILABLE");
        }
    };
    timeout(PATIENCE, revoking).await.unwrap();
    // Immediately on the replica that did it, and on the other within ten seconds, whatever it had cached.
    assert_eq!(verify(&token.client).await, "TOKEN_REVOKED");
    wait_for(&elsewhere, "TOKEN_REVOKED", &["200", "UNAVAILABLE"], Duration::from_secs(10)).await;
    stop.send_replace(true);
    for (holder, codes) in timeout(PATIENCE, rotating.join_all()).await.unwrap() {
        // Whose rotation was carried out but not acknowledged is in conflict for ten seconds and then recovers.
        assert!(codes.iter().all(|code| ["UNAVAILABLE", "ROTATION_CONFLICT"].contains(&code.as_str())), "{codes:?}");
        assert!(holder.check().await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_after_a_failover_no_request_waits_for_the_former_primary_which_is_frozen() {
    let primary = PostgresServer::primary().await;
    let standby = primary.synchronous_standby().await;
    let folder = TempDir::new().unwrap();
    let (_process, admin, _) = start(&folder, &url_of([&primary, &standby])).await;
    // Every connection of the pool is in use when the server freezes.
    let mut listing = JoinSet::new();
    primary.freeze(true);
    for _ in 0..40 {
        let admin = admin.clone();
        listing
            .spawn(async move { admin.ask("{ apiTokens { edges { node { id } } } }").await.code().map(str::to_owned) });
    }
    let codes = timeout(Duration::from_secs(8), listing.join_all()).await.unwrap();
    assert!(codes.iter().all(|code| code.as_deref() == Some("UNAVAILABLE")), "{codes:?}");
    standby.promote().await;
    let creating = async {
        while let Err(code) = admin.create(json!({ "name": "x" })).await {
            assert_eq!(code, "UNAVAILABLE");
        }
    };
    timeout(PATIENCE, creating).await.unwrap();
    for _ in 0..40 {
        let created = timeout(Duration::from_secs(5), admin.create(json!({ "name": "x" }))).await;
        assert!(created.unwrap().is_ok());
    }
}

/// As a firewall does it that forgets idle connections. The connection of the listener is never idle.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_idle_connections_that_were_cut_off_without_being_closed_are_replaced_within_seconds() {
    let primary = PostgresServer::primary().await;
    let link = Link::to(primary.port).await;
    let folder = TempDir::new().unwrap();
    let url = primary.url().replace(&format!(":{}/", primary.port), &format!(":{}/", link.port));
    let (_process, admin, token) = start(&folder, &url).await;
    let mut creating = JoinSet::new();
    for _ in 0..8 {
        let admin = admin.clone();
        creating.spawn(async move { admin.create(json!({ "name": "x" })).await.is_ok() });
    }
    assert!(creating.join_all().await.into_iter().all(|created| created));
    link.lose(Lost::AllButTheListener);
    // A connection is tested if it was idle for a moment.
    let cut_at = Instant::now();
    while cut_at.elapsed() < Duration::from_millis(200) {
        assert_eq!(verify(&token.client).await, "200", "it is cached, and there is contact");
    }
    let creating = async {
        while let Err(code) = admin.create(json!({ "name": "x" })).await {
            assert_eq!(code, "UNAVAILABLE");
        }
    };
    timeout(Duration::from_secs(6), creating).await.expect("a request waited for a connection that is dead");
    assert_eq!(verify(&token.client).await, "200");
}

/// Otherwise a replica whose host went away would keep its share of `max_connections` for two hours.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_the_server_asks_on_every_idle_connection_whether_the_replica_is_there() {
    let primary = PostgresServer::primary().await;
    let folder = TempDir::new().unwrap();
    let (_process, admin, _) = start(&folder, &primary.url()).await;
    assert!(admin.create(json!({ "name": "x" })).await.is_ok());
    // The local port, the state (01 is established), and the timer: 02 is keepalive, and then hundredths of a second. See proc(5).
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let port = format!(":{:04X}", primary.port);
    let timers: Vec<&str> = sockets
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields.len() > 5 && fields[1].ends_with(&port) && fields[3] == "01")
        .map(|fields| fields[5])
        .collect();
    assert!(!timers.is_empty());
    for timer in timers {
        let (kind, hundredths) = timer.split_once(':').unwrap();
        let due = Duration::from_millis(u64::from_str_radix(hundredths, 16).unwrap() * 10);
        assert!(kind == "01" || kind == "02" && due <= Duration::from_secs(10), "{timer}");
    }
}
