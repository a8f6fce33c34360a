//! Verification: what asking does. A value that is verified is presented, so the promises are those of presenting it oneself.

use serde_json::{Value, json};

use crate::support::client::{Client, Created};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;
use crate::support::verification::{ENDPOINTS, Question, VERIFY};

async fn token(server: &Server, more: Value) -> Created {
    let mut input = json!({ "name": "n", "owner": "acme" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.admin.create(input).await.unwrap()
}

/// The facts about the values of a token: when each was first used.
async fn first_uses(admin: &Client, id: &str) -> Vec<Value> {
    let query = "query($id: ID!) { apiToken(id: $id) { values { generation firstUsedAt } } }";
    let answer = admin.graphql(query, json!({ "id": id })).await;
    let values = answer.body["data"]["apiToken"]["values"].as_array().unwrap();
    values.iter().map(|value| value["firstUsedAt"].clone()).collect()
}

async fn last_use(server: &Server, id: &str) -> Value {
    let query = "query($id: ID!) { apiToken(id: $id) { lastUsedAt } }";
    server.admin.graphql(query, json!({ "id": id })).await.body["data"]["apiToken"]["lastUsedAt"].clone()
}

#[tokio::test]
async fn r5_the_first_use_at_any_endpoint_is_durable_and_supersedes_the_previous_value() {
    let server = Server::start().await;
    for (number, endpoint) in (0..).zip(ENDPOINTS) {
        server.clock.set(number * MINUTE);
        let old = token(&server, json!({ "scopes": ["read"] })).await;
        let new = old.client.with(old.client.rotate().await.unwrap());
        server.clock.advance(10 * SECOND);
        assert_eq!(first_uses(&server.admin, &old.id).await[0], Value::Null);
        // A value that lacks a scope has been used all the same.
        let lacking = Question { scopes: &["write"], ..Question::of(&new) };
        assert_ne!(lacking.code(&server.admin, endpoint).await, "VALID");
        // As another replica finds it in the database.
        let replica = server.replica().await;
        let used = first_uses(&server.admin.at(&replica.url), &old.id).await;
        assert_eq!(used[0], json!(format!("2026-01-01T00:0{number}:10.000Z")), "{endpoint}");
        assert_eq!(old.client.rotate().await, Err("VALUE_SUPERSEDED".into()), "{endpoint}");
    }
}

#[tokio::test]
async fn r4_the_first_use_at_any_endpoint_begins_the_overlap_that_waits_for_it() {
    let server = Server::start().await;
    let mut start = 0;
    for endpoint in ENDPOINTS {
        server.clock.set(start);
        let old = token(&server, json!({ "overlapMinutes": 5, "overlapStarts": "FIRST_USE" })).await.client;
        let new = old.with(old.rotate().await.unwrap());
        server.clock.advance(60 * MINUTE);
        let reported = Question::of(&old).details(&server).await;
        assert_eq!((&reported["code"], &reported["retiresAt"]), (&json!("VALID"), &Value::Null), "{endpoint}");
        assert_eq!(Question::of(&new).code(&server.admin, endpoint).await, "VALID");
        for (offset, code) in [(-1, "VALID"), (0, "VALUE_RETIRED"), (1, "VALUE_RETIRED")] {
            server.clock.set(start + 65 * MINUTE + offset);
            Question::of(&old).expect(&server, code).await;
        }
        start += 120 * MINUTE;
    }
}

#[tokio::test]
async fn the_first_use_is_in_the_very_answer_and_a_later_one_is_read_at_once() {
    const HALF: i64 = MINUTE / 2;
    let server = Server::start().await;
    let old = token(&server, json!({})).await;
    let reported = Question::of(&old.client).details(&server).await;
    assert_eq!(reported["token"]["values"][0]["firstUsedAt"], json!("2026-01-01T00:00:00.000Z"));
    for endpoint in ENDPOINTS {
        let holder = token(&server, json!({})).await;
        let mut written = Value::Null;
        for offset in [0, HALF - 1, HALF, HALF + 1] {
            server.clock.set(offset);
            assert_eq!(Question::of(&holder.client).code(&server.admin, endpoint).await, "VALID");
            let before = std::mem::replace(&mut written, last_use(&server, &holder.id).await);
            assert_ne!(before, written, "{endpoint} {offset}");
        }
        server.clock.set(0);
    }
}

#[tokio::test]
async fn r8_reuse_is_recorded_at_every_endpoint_and_may_revoke_the_token() {
    let server = Server::start().await;
    let mut start = 0;
    for endpoint in ENDPOINTS {
        server.clock.set(start);
        let old = token(&server, json!({ "overlapMinutes": 0 })).await;
        old.client.rotate().await.unwrap();
        for _ in 0..2 {
            assert_ne!(Question::of(&old.client).code(&server.admin, endpoint).await, "VALID");
        }
        let filter = json!({ "tokenId": old.id, "actions": ["API_TOKEN_VALUE_REUSED"] });
        assert_eq!(server.admin.events(filter).await.len(), 1, "{endpoint}");

        let old = token(&server, json!({ "overlapMinutes": 0, "onReuse": "REVOKE" })).await.client;
        let new = old.with(old.rotate().await.unwrap());
        for (offset, revoked) in [(-1, false), (0, true), (1, true)] {
            server.clock.set(start + 10 * SECOND + offset);
            assert_ne!(Question::of(&old).code(&server.admin, endpoint).await, "VALID");
            let code = if revoked { "TOKEN_REVOKED" } else { "VALID" };
            Question::of(&new).expect(&server, code).await;
        }
        start += MINUTE;
    }
}

#[tokio::test]
async fn r8_a_token_that_the_question_itself_revoked_is_shown_revoked() {
    let server = Server::start().await;
    let old = token(&server, json!({ "overlapMinutes": 0, "onReuse": "REVOKE" })).await.client;
    old.rotate().await.unwrap();
    server.clock.advance(10 * SECOND);
    let reported = Question::of(&old).details(&server).await;
    assert_eq!((&reported["code"], &reported["token"]["status"]), (&json!("VALUE_RETIRED"), &json!("REVOKED")));
}

#[tokio::test]
async fn r12_restrictions_bind_every_endpoint_on_both_values_and_a_refusal_is_not_a_use() {
    let server = Server::start().await;
    let more =
        json!({ "allowedCIDRBlocks": ["10.0.0.0/8", "2001:db8::/32"], "allowedOrigins": ["https://*.example.com"] });
    let old = token(&server, more).await;
    let new = server.admin.rotate_id(&old.id).await.unwrap();
    let good = Some("https://a.example.com");
    for (address, origin, code) in [
        (Some("9.255.255.255"), good, "ADDRESS_REFUSED"),
        (Some("11.0.0.0"), good, "ADDRESS_REFUSED"),
        (Some("2001:db9::"), good, "ADDRESS_REFUSED"),
        (None, good, "ADDRESS_REFUSED"),
        (Some("10.0.0.0"), Some("https://example.com"), "ORIGIN_REFUSED"),
        (Some("10.0.0.0"), Some("null"), "ORIGIN_REFUSED"),
        (Some("10.0.0.0"), None, "ORIGIN_REFUSED"),
        (Some("10.0.0.0"), good, "VALID"),
        (Some("10.255.255.255"), good, "VALID"),
        (Some("::ffff:10.0.0.1"), good, "VALID"),
        (Some("2001:db8::1"), good, "VALID"),
    ] {
        if code != "VALID" {
            assert_eq!(first_uses(&server.admin, &old.id).await, [Value::Null, Value::Null], "{address:?} {origin:?}");
        }
        for client in [&old.client, &new] {
            Question { address, origin, ..Question::of(client) }.expect(&server, code).await;
        }
    }
    let filter = json!({ "tokenId": old.id, "actions": ["API_TOKEN_RESTRICTION_REFUSED"] });
    assert_eq!(server.admin.events(filter).await.len(), 4, "once a minute a kind, and once more when it is announced");
}

#[tokio::test]
async fn r11_to_ask_about_others_takes_the_permission_and_without_it_nothing_is_used() {
    let server = Server::start().await;
    let permissions = |these: &[&str]| json!({ "permissions": these });
    let others = ["API_TOKEN_READ", "API_TOKEN_MODIFY", "AUDIT_LOG_READ"];
    let stranger = token(&server, permissions(&others)).await.client;
    let verifier = token(&server, permissions(&["API_TOKEN_VERIFY"])).await.client;
    let subject = token(&server, json!({})).await;
    for endpoint in ["verifyAPIToken", "/introspect"] {
        let question = Question::of(&subject.client);
        assert_eq!(question.code(&stranger, endpoint).await, "FORBIDDEN", "{endpoint}");
        assert_eq!(question.code(&server.anonymous(), endpoint).await, "UNAUTHENTICATED", "{endpoint}");
        // Not even about oneself, which any request answers.
        assert_eq!(Question::of(&stranger).code(&stranger, endpoint).await, "FORBIDDEN", "{endpoint}");
        assert_eq!(first_uses(&server.admin, &subject.id).await, [Value::Null], "{endpoint}");
    }
    for endpoint in ENDPOINTS {
        assert_eq!(Question::of(&subject.client).code(&verifier, endpoint).await, "VALID", "{endpoint}");
    }
}

#[tokio::test]
async fn bad_input_is_refused_by_name_and_uses_nothing() {
    let server = Server::start().await;
    let subject = token(&server, json!({})).await;
    let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let value = server.admin.value.clone().unwrap();
    for (field, given) in [
        ("requiredScopes", json!(["read", ""])),
        ("requiredScopes", json!(["two words"])),
        ("requiredScopes", json!(["\"quoted\""])),
        ("requiredScopes", json!([value])),
        ("requiredScopes", json!(many)),
        ("address", json!("")),
        ("address", json!("10.0.0.0/8")),
        ("address", json!("10.0.0.1:80")),
        ("address", json!("somewhere")),
    ] {
        let input = json!({ "value": subject.client.value, field: given });
        let answer = server.admin.graphql(VERIFY, json!({ "input": input })).await;
        assert_eq!((answer.code(), answer.field()), (Some("BAD_USER_INPUT"), Some(field)), "{}", answer.body);
        assert_eq!(first_uses(&server.admin, &subject.id).await, [Value::Null], "{field} {given}");
    }
}

#[tokio::test]
async fn the_audit_log_names_the_client_that_was_refused_and_not_the_one_that_asked() {
    let server = Server::start().await;
    let subject = token(&server, json!({ "allowedCIDRBlocks": ["10.0.0.0/8"] })).await;
    let input = json!({ "value": subject.client.value, "address": "192.0.2.7" });
    let request = server.admin.request("POST", "/graphql").header("User-Agent", "the one that asks");
    request.json(&json!({ "query": VERIFY, "variables": { "input": input } })).send().await.unwrap();
    let query = "query($filter: AuditEventFilter) { auditEvents(filter: $filter) { edges { node {
        actor { id } address userAgent } } } }";
    let filter = json!({ "actions": ["API_TOKEN_RESTRICTION_REFUSED"] });
    let answer = server.admin.graphql(query, json!({ "filter": filter })).await;
    let event = &answer.body["data"]["auditEvents"]["edges"][0]["node"];
    assert_eq!(event, &json!({ "actor": { "id": subject.id }, "address": "192.0.2.7", "userAgent": null }));
}
