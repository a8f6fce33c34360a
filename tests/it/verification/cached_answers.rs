//! Every endpoint that verifies answers from the cache as it answers from the database, only faster.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::clock::MINUTE;
use crate::support::server::Server;
use crate::support::verification::{ENDPOINTS, Question};

const VERIFY: &str =
    "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { valid code token { name } } }";

async fn ask(caller: &Client, endpoint: &str, question: Question<'_>) -> Answer {
    match endpoint {
        "verifyAPIToken" => caller.graphql(VERIFY, json!({ "input": question.input() })).await,
        _ => question.ask(caller, endpoint).await,
    }
}

/// Has the server cache the values of caller and question. The very next request is then answered from the cache: its answer.
async fn ask_cached(server: &Server, caller: &Client, endpoint: &str, question: Question<'_>) -> Answer {
    // The first use of a value changes its token, and on PostgreSQL the next poll reports that change.
    ask(caller, endpoint, question).await;
    server.admin.catch_up().await;
    ask(caller, endpoint, question).await;
    let answer = ask(caller, endpoint, question).await;
    assert!(answer.is_from_cache(), "{endpoint}: {}", answer.body);
    answer
}

/// What a client sees of an answer.
fn visible(answer: &Answer) -> (u16, Value, Vec<(String, String)>) {
    let headers = answer.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (answer.status, answer.body.clone(), headers)
}

#[tokio::test]
async fn an_answer_from_the_cache_is_the_same_as_one_from_the_database() {
    let server = Server::start().await;
    // Without contact with the database, `Cache-Control` is another.
    server.admin.ready().await;
    for endpoint in ENDPOINTS {
        let draft = json!({ "name": "n", "owner": "a b", "scopes": ["read"], "rotationPeriodMinutes": 60 });
        let holder = server.admin.create(draft).await.unwrap().client;
        // The first use of a value is written before it is answered.
        let waited = ask(&server.admin, endpoint, Question::of(&holder)).await;
        assert!(!waited.is_from_cache(), "{endpoint}");
        let cached = ask_cached(&server, &server.admin, endpoint, Question::of(&holder)).await;
        assert_eq!(visible(&waited), visible(&cached), "{endpoint}");
    }
}

/// Everything of a token but the time of its last use, which the database learns later.
const WHOLE: &str = "{ currentAPIToken { id name description owner kind status permissions scopes allowedCIDRBlocks allowedOrigins
    generation values { hint generation createdAt firstUsedAt replacedAt retiresAt } createdAt createdBy { kind id }
    updatedAt updatedBy { kind id } rotatedAt rotatedBy { kind id } expiresAt rotationPeriodMinutes rotateBy overlapMinutes
    overlapStarts onReuse protected revokedAt suspendedAt notBefore } }";

/// What a server caches when it issues a value or writes a first use was never read from the database.
#[tokio::test]
async fn what_is_cached_when_it_is_written_is_what_another_server_reads() {
    let server = Server::start().await;
    server.admin.catch_up().await;
    let same = async |client: &Client, step: &str| {
        // The second time from the cache.
        let here = [client.ask(WHOLE).await.body, client.ask(WHOLE).await.body];
        let elsewhere = client.at(&server.replica().await.url).ask(WHOLE).await.body;
        assert_eq!(here, [elsewhere.clone(), elsewhere], "{step}");
    };
    for (settings, rotation) in [
        (json!({}), json!({})),
        (json!({ "overlapMinutes": 0 }), json!({})),
        (json!({ "overlapStarts": "FIRST_USE", "rotationPeriodMinutes": 60 }), json!({})),
        (json!({ "overlapStarts": "FIRST_USE", "overlapMinutes": 5 }), json!({ "overlapMinutes": 0 })),
        (json!({ "permissions": ["API_TOKEN_MODIFY", "API_TOKEN_READ"] }), json!({ "overlapMinutes": 3 })),
        (json!({ "scopes": ["b", "a", "*"], "allowedCIDRBlocks": ["127.0.0.0/8", "::/0"] }), json!({})),
    ] {
        let mut input = json!({ "name": "n", "description": "d" });
        input.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let created = server.admin.create(input).await.unwrap();
        let old = created.client;
        let step = |name: &str| format!("{name} of {settings}, rotated with {rotation}");
        server.clock.advance(1);
        // The first use is written by the rotation or by a request of its own.
        if rotation == json!({}) {
            same(&old, &step("a first use")).await;
        }
        server.clock.advance(1);
        let new = old.with(old.rotate_with(rotation.clone()).await.unwrap());
        server.clock.advance(1);
        // Of the previous value, if it still works.
        same(&old, &step("a use of the previous value")).await;
        server.clock.advance(1);
        same(&new, &step("a first use of the new value")).await;
        same(&old, &step("another use of the previous value")).await;
        server.admin.update(json!({ "id": created.id, "description": "e" })).await.unwrap();
        server.clock.advance(1);
        let newest = new.with(new.rotate().await.unwrap());
        same(&new, &step("a use after another rotation")).await;
        same(&newest, &step("a first use after another rotation")).await;
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_also_from_the_cache() {
    let server = Server::start().await;
    let holder = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
    let mut ids = HashSet::new();
    for endpoint in ENDPOINTS {
        let answers = [
            ask(&server.admin, endpoint, Question::about("rk_")).await,
            ask_cached(&server, &server.admin, endpoint, Question::of(&holder)).await,
            ask_cached(&server, &server.admin, endpoint, Question::of(&holder)).await,
        ];
        for answer in answers {
            let id = answer.header("X-Request-Id").unwrap().to_owned();
            assert!(id.starts_with("req_") && ids.insert(id), "{endpoint}");
        }
    }
}

#[tokio::test]
async fn the_previous_value_is_answered_from_the_cache_with_its_warning() {
    let server = Server::start().await;
    let old = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
    old.rotate().await.unwrap();
    let answer = ask_cached(&server, &server.admin, "/verify", Question::of(&old)).await;
    assert!(
        answer.status == 200 && ["deprecation", "sunset"].map(|name| answer.headers.contains_key(name)) == [true; 2]
    );
}

#[tokio::test]
async fn r5_the_first_use_of_a_value_is_never_answered_from_the_cache() {
    let server = Server::start().await;
    for endpoint in ENDPOINTS {
        let known = server.admin.create(json!({ "name": "known" })).await.unwrap().client;
        ask_cached(&server, &server.admin, endpoint, Question::of(&known)).await;
        let fresh = server.admin.create(json!({ "name": "fresh" })).await.unwrap().client;
        assert!(!ask(&server.admin, endpoint, Question::of(&fresh)).await.is_from_cache(), "{endpoint}");
    }
}

#[tokio::test]
async fn r10_r12_the_next_request_sees_a_change_and_a_passed_deadline() {
    let server = Server::start().await;
    for endpoint in ENDPOINTS {
        let (good, bad) = if endpoint == "/verify" { (200, 401) } else { (200, 200) };
        let restricted = server.admin.create(json!({ "name": "n" })).await.unwrap();
        let question = Question { address: Some("203.0.113.9"), ..Question::of(&restricted.client) };
        assert_eq!(ask_cached(&server, &server.admin, endpoint, question).await.status, good);
        server.admin.update(json!({ "id": restricted.id, "allowedCIDRBlocks": ["10.0.0.0/8"] })).await.unwrap();
        let answer = ask(&server.admin, endpoint, question).await;
        assert!(
            !answer.is_from_cache() && answer.status == if endpoint == "/verify" { 403 } else { 200 },
            "{endpoint}"
        );

        let revoked = server.admin.create(json!({ "name": "n" })).await.unwrap();
        ask_cached(&server, &server.admin, endpoint, Question::of(&revoked.client)).await;
        server.admin.revoke(&revoked.id).await.unwrap();
        let answer = ask(&server.admin, endpoint, Question::of(&revoked.client)).await;
        assert!(!answer.is_from_cache() && answer.status == bad, "{endpoint}");

        let overdue = server.admin.create(json!({ "name": "n", "rotationPeriodMinutes": 10 })).await.unwrap();
        server.clock.advance(10 * MINUTE - 1);
        ask_cached(&server, &server.admin, endpoint, Question::of(&overdue.client)).await;
        server.clock.advance(1);
        let answer = ask(&server.admin, endpoint, Question::of(&overdue.client)).await;
        assert!(!answer.is_from_cache() && answer.status == bad, "{endpoint}");
    }
}

#[tokio::test]
async fn r10_a_caller_that_loses_its_permission_is_refused_at_the_next_request() {
    let server = Server::start().await;
    let subject = server.admin.create(json!({ "name": "subject" })).await.unwrap().client;
    for endpoint in ["verifyAPIToken", "/introspect"] {
        let caller = json!({ "name": "gateway", "permissions": ["API_TOKEN_VERIFY"] });
        let caller = server.admin.create(caller).await.unwrap();
        ask_cached(&server, &caller.client, endpoint, Question::of(&subject)).await;
        server.admin.update(json!({ "id": caller.id, "permissions": [] })).await.unwrap();
        let answer = ask(&caller.client, endpoint, Question::of(&subject)).await;
        assert!(!answer.is_from_cache(), "{endpoint}");
        assert!(answer.status == 403 || answer.code() == Some("FORBIDDEN"), "{endpoint}");
    }
}
