//! What is remembered is answered at once by every endpoint that verifies, and nobody can tell but by the time it takes.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::clock::MINUTE;
use crate::support::server::Server;
use crate::support::verification::{DOORS, Question};

const VERIFY: &str =
    "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { valid code token { name } } }";

/// After so many questions whatever is remembered at all is remembered.
const MOST_QUESTIONS: usize = 20_000;

async fn ask(caller: &Client, door: &str, question: Question<'_>) -> Answer {
    match door {
        "verifyAPIToken" => caller.graphql(VERIFY, json!({ "input": question.input() })).await,
        _ => question.ask(caller, door).await,
    }
}

/// Asks until it is answered at once.
async fn at_once(caller: &Client, door: &str, question: Question<'_>) -> Answer {
    for _ in 0..MOST_QUESTIONS {
        let answer = ask(caller, door, question).await;
        if answer.came_at_once() {
            return answer;
        }
    }
    panic!("{door} never answered at once");
}

/// All that a client may go by.
fn told(answer: &Answer) -> (u16, Value, Vec<(String, String)>) {
    let headers = answer.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (answer.status, answer.body.clone(), headers)
}

#[tokio::test]
async fn an_answer_at_once_is_the_same_as_one_that_waits() {
    let server = Server::start().await;
    // An answer of before there is contact with the database may not be kept by a gateway, and says so.
    at_once(&server.admin, "/verify", Question::of(&server.admin)).await;
    for door in DOORS {
        let draft = json!({ "name": "n", "owner": "a b", "scopes": ["read"], "rotationPeriodMinutes": 60 });
        let holder = server.admin.create(draft).await.unwrap().client;
        // The first use of a value is written before it is answered.
        let waited = ask(&server.admin, door, Question::of(&holder)).await;
        assert!(!waited.came_at_once(), "{door}");
        let answer = at_once(&server.admin, door, Question::of(&holder)).await;
        assert_eq!(told(&waited), told(&answer), "{door}");
    }
}

#[tokio::test]
async fn every_answer_names_its_request_however_it_came_to_be() {
    let server = Server::start().await;
    let holder = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
    let mut ids = HashSet::new();
    for door in DOORS {
        let answers = [
            ask(&server.admin, door, Question::about("rk_")).await,
            at_once(&server.admin, door, Question::of(&holder)).await,
            at_once(&server.admin, door, Question::of(&holder)).await,
        ];
        for answer in answers {
            let id = answer.header("X-Request-Id").unwrap().to_owned();
            assert!(id.starts_with("req_") && ids.insert(id), "{door}");
        }
    }
}

#[tokio::test]
async fn the_previous_value_is_answered_at_once_with_its_warning() {
    let server = Server::start().await;
    let old = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
    old.rotate().await.unwrap();
    let answer = at_once(&server.admin, "/verify", Question::of(&old)).await;
    assert!(
        answer.status == 200 && ["deprecation", "sunset"].map(|name| answer.headers.contains_key(name)) == [true; 2]
    );
}

#[tokio::test]
async fn r5_the_first_use_of_a_value_never_comes_at_once() {
    let server = Server::start().await;
    for door in DOORS {
        let known = server.admin.create(json!({ "name": "known" })).await.unwrap().client;
        at_once(&server.admin, door, Question::of(&known)).await;
        let fresh = server.admin.create(json!({ "name": "fresh" })).await.unwrap().client;
        assert!(!ask(&server.admin, door, Question::of(&fresh)).await.came_at_once(), "{door}");
    }
}

#[tokio::test]
async fn r10_r12_a_change_and_a_deadline_are_seen_by_the_very_next_request() {
    let server = Server::start().await;
    for door in DOORS {
        let (good, bad) = if door == "/verify" { (200, 401) } else { (200, 200) };
        let restricted = server.admin.create(json!({ "name": "n" })).await.unwrap();
        let question = Question { address: Some("203.0.113.9"), ..Question::of(&restricted.client) };
        assert_eq!(at_once(&server.admin, door, question).await.status, good);
        server.admin.update(json!({ "id": restricted.id, "allowedCIDRBlocks": ["10.0.0.0/8"] })).await.unwrap();
        let answer = ask(&server.admin, door, question).await;
        assert!(!answer.came_at_once() && answer.status == if door == "/verify" { 403 } else { 200 }, "{door}");

        let revoked = server.admin.create(json!({ "name": "n" })).await.unwrap();
        at_once(&server.admin, door, Question::of(&revoked.client)).await;
        server.admin.revoke(&revoked.id).await.unwrap();
        let answer = ask(&server.admin, door, Question::of(&revoked.client)).await;
        assert!(!answer.came_at_once() && answer.status == bad, "{door}");

        let overdue = server.admin.create(json!({ "name": "n", "rotationPeriodMinutes": 10 })).await.unwrap();
        at_once(&server.admin, door, Question::of(&overdue.client)).await;
        server.clock.advance(10 * MINUTE);
        let answer = ask(&server.admin, door, Question::of(&overdue.client)).await;
        assert!(!answer.came_at_once() && answer.status == bad, "{door}");
    }
}

#[tokio::test]
async fn r10_a_caller_that_loses_its_permission_is_refused_at_the_very_next_request() {
    let server = Server::start().await;
    let subject = server.admin.create(json!({ "name": "subject" })).await.unwrap().client;
    for door in ["verifyAPIToken", "/introspect"] {
        let caller = json!({ "name": "gateway", "permissions": ["API_TOKEN_VERIFY"] });
        let caller = server.admin.create(caller).await.unwrap();
        caller.client.check().await.unwrap();
        at_once(&caller.client, door, Question::of(&subject)).await;
        server.admin.update(json!({ "id": caller.id, "permissions": [] })).await.unwrap();
        let answer = ask(&caller.client, door, Question::of(&subject)).await;
        assert!(!answer.came_at_once(), "{door}");
        assert!(answer.status == 403 || answer.code() == Some("FORBIDDEN"), "{door}");
    }
}
