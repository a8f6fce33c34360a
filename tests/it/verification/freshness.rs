//! For how long a gateway may keep the answer of `/verify` that a value is good, so that no revocation takes longer than R10 allows.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::clock::{MINUTE, START};
use crate::support::database::TestDatabase;
use crate::support::replica::{named, start};
use crate::support::server::Server;
use crate::support::verification::Question;

/// In which other headers of a request the answer lies.
const VARY: &str = "Authorization, X-API-Key, Origin, Forwarded, X-Forwarded-For";

async fn verify(client: &Client, path: &str) -> Answer {
    Answer::of(client.request("GET", path).send().await.unwrap()).await
}

/// For how many seconds this answer may be kept.
fn kept(answer: &Answer) -> u32 {
    match answer.header("Cache-Control").unwrap() {
        "no-store" => 0,
        private => {
            assert_eq!((answer.status, answer.header("Vary")), (200, Some(VARY)));
            let seconds = private.strip_prefix("private, max-age=").unwrap().parse().unwrap();
            assert!((1..=10).contains(&seconds), "{private}");
            seconds
        }
    }
}

/// Once the server is in contact with its database, the answer may be kept for exactly so long.
async fn expect_kept(server: &Server, client: &Client, seconds: u32) {
    server.admin.ready().await;
    assert_eq!(kept(&verify(client, "/verify").await), seconds);
}

#[tokio::test]
async fn r10_server_and_gateway_cache_an_answer_for_ten_seconds_together() {
    let database = TestDatabase::new().await;
    let (here, admin, _listener) = start(&database).await;
    let caller = here.caller(&admin).await;
    let token = here.used(&caller, named("n")).await;
    for (offset, seconds) in
        [(0, 10), (1, 9), (1_000, 9), (1_001, 8), (9_000, 1), (9_001, 0), (9_999, 0), (10_000, 0), (10_001, 0)]
    {
        here.clock.set(offset);
        let verification = here.verify(&token.value).await.unwrap();
        assert_eq!((verification.is_valid(), verification.fresh_seconds), (true, seconds), "{offset}");
    }
    // A clock that was set back says nothing of how old the contact is.
    here.clock.set(-1);
    assert_eq!(here.verify(&token.value).await.unwrap().fresh_seconds, 0);
}

#[tokio::test]
async fn an_answer_is_kept_past_no_deadline() {
    let server = Server::start().await;
    let plain = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
    expect_kept(&server, &plain, 10).await;
    for (millis, seconds) in
        [(1, 0), (999, 0), (1_000, 1), (1_001, 1), (1_999, 1), (9_999, 9), (10_000, 10), (10_001, 10), (MINUTE, 10)]
    {
        let expires_at = rotakey::domain::timestamp::Timestamp::from_unix_millis(START + millis).to_string();
        let input = json!({ "name": "n", "expiresAt": expires_at });
        expect_kept(&server, &server.admin.create(input).await.unwrap().client, seconds).await;
    }
    for (offset, seconds) in [(-10_001, 10), (-10_000, 10), (-9_999, 9), (-1_000, 1), (-999, 0)] {
        server.clock.set(0);
        let periodic = json!({ "name": "n", "rotationPeriodMinutes": 1 });
        let periodic = server.admin.create(periodic).await.unwrap().client;
        // More than ten seconds ago at the next moment, so that contact then is of that very moment.
        server.admin.ready().await;
        server.clock.set(MINUTE + offset);
        expect_kept(&server, &periodic, seconds).await;
    }
}

#[tokio::test]
async fn the_holder_of_the_previous_value_is_warned_each_time() {
    let server = Server::start().await;
    for starts in ["ROTATION", "FIRST_USE"] {
        let old = json!({ "name": "n", "overlapMinutes": 60, "overlapStarts": starts });
        let old = server.admin.create(old).await.unwrap().client;
        expect_kept(&server, &old, 10).await;
        let new = old.with(old.rotate().await.unwrap());
        for _ in 0..3 {
            let answer = verify(&old, "/verify").await;
            assert_eq!((answer.status, kept(&answer)), (200, 0), "{starts}");
            assert!(answer.header("Deprecation").is_some(), "{starts}");
        }
        expect_kept(&server, &new, 10).await;
        let answer = verify(&old, "/verify").await;
        assert_eq!((answer.status, kept(&answer)), (200, 0), "{starts}");
    }
}

#[tokio::test]
async fn a_refusal_is_never_kept() {
    let server = Server::start().await;
    let bound = json!({ "name": "n", "allowedCIDRBlocks": ["127.0.0.1"], "allowedOrigins": ["https://a.example.com"] });
    let bound = server.admin.create(bound).await.unwrap();
    let (bound, id) = (bound.client, bound.id);
    let good = Question { address: Some("127.0.0.1"), origin: Some("https://a.example.com"), ..Question::of(&bound) };
    assert_eq!(good.ask(&bound, "/verify").await.status, 200);
    for (question, status) in [
        (Question { address: Some("192.0.2.1"), ..good }, 403),
        (Question { origin: Some("https://b.example.com"), ..good }, 403),
        (Question { origin: None, ..good }, 403),
        (Question { scopes: &["read"], ..good }, 403),
        (Question::about("hello"), 401),
    ] {
        let answer = question.ask(&bound, "/verify").await;
        assert_eq!((answer.status, kept(&answer)), (status, 0), "{}", answer.body);
    }
    assert_eq!(kept(&verify(&bound, "/verify?scopes=read").await), 0);
    assert_eq!(kept(&verify(&server.anonymous(), "/verify").await), 0);
    assert_eq!(server.admin.rest("DELETE", &format!("/api-tokens/{id}"), Value::Null).await.status, 204);
    let answer = good.ask(&bound, "/verify").await;
    assert_eq!((answer.status, kept(&answer)), (401, 0));
}
