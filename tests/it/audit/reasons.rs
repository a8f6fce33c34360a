//! `reason` and `evidenceURL`: why something was done, in the audit log.

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::support::events::Events;
use crate::support::server::Server;

const URL: &str = "https://example.com/incidents/7";

/// The events about a token, oldest first: action, reason and evidence.
async fn reasons(server: &Server, id: &str) -> Vec<Value> {
    let query = "query($filter: AuditEventFilter) { auditEvents(filter: $filter) { edges { node { action reason evidenceURL } } } }";
    let answer = server.admin.graphql(query, json!({ "filter": { "tokenId": id } })).await;
    let edges = answer.body["data"]["auditEvents"]["edges"].as_array().unwrap();
    edges.iter().rev().map(|edge| edge["node"].clone()).collect()
}

fn event(action: &str, reason: Value, url: Value) -> Value {
    json!({ "action": format!("API_TOKEN_{action}"), "reason": reason, "evidenceURL": url })
}

async fn mutate(server: &Server, mutation: &str, input: Value) -> Option<String> {
    let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let query = format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ token {{ id }} }} }}");
    server.admin.graphql(&query, json!({ "input": input })).await.code().map(str::to_owned)
}

/// Revokes a token over REST, with these parameters: the status.
async fn revoke(server: &Server, id: &str, parameters: &[(&str, &str)]) -> u16 {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    server.admin.request("DELETE", &format!("/api-tokens/{id}?{query}")).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_audit_log_says_why_a_token_was_rotated_suspended_or_revoked() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "leaked" })).await.unwrap();
    let id = &token.id;
    let live = "subscription($filter: AuditEventFilter) { auditEvents(filter: $filter) { action reason evidenceURL } }";
    let mut live = Events::of(&server.admin, live, json!({ "filter": { "tokenId": id } })).await.unwrap();
    server.clock.advance(1_000);
    // By its holder, which is decided without a lock, and by another.
    let rotated = token.client.rotate_with(json!({ "reason": "in a log", "evidenceURL": URL })).await.unwrap();
    assert_eq!(token.client.with(rotated).check().await, Ok(2));
    for (mutation, input) in [
        ("rotateAPIToken", json!({ "id": id, "reason": "again" })),
        ("suspendAPIToken", json!({ "id": id, "reason": "to be sure", "evidenceURL": URL })),
        ("suspendAPIToken", json!({ "id": id, "reason": "nothing changes" })),
        ("resumeAPIToken", json!({ "id": id })),
        ("revokeAPIToken", json!({ "id": id, "evidenceURL": URL })),
    ] {
        server.clock.advance(1_000);
        assert_eq!(mutate(&server, mutation, input).await, None, "{mutation}");
    }
    let none = || Value::Null;
    let expected = [
        event("CREATED", none(), none()),
        event("ROTATED", json!("in a log"), json!(URL)),
        event("ROTATED", json!("again"), none()),
        event("SUSPENDED", json!("to be sure"), json!(URL)),
        event("RESUMED", none(), none()),
        event("REVOKED", none(), json!(URL)),
    ];
    assert_eq!(reasons(&server, id).await, expected);
    for expected in &expected[1..] {
        let (_, data) = live.next().await.unwrap();
        assert_eq!(&data["data"]["auditEvents"], expected);
    }
}

#[tokio::test]
async fn a_reason_that_could_not_be_shown_is_refused_and_nothing_is_done() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let value = token.client.value.clone().unwrap();
    for (field, text) in [
        ("reason", "two\nlines".to_owned()),
        ("reason", format!("the value {value}")),
        ("evidenceURL", "ftp://example.com".to_owned()),
        ("evidenceURL", format!("https://example.com/?q={value}")),
        ("evidenceURL", format!("https://example.com/?q={}\n{}", &value[..20], &value[20..])),
    ] {
        for operation in ["rotateAPIToken", "suspendAPIToken", "revokeAPIToken"] {
            let mut input = json!({ "id": token.id });
            input[field] = json!(text);
            assert_eq!(mutate(&server, operation, input).await.as_deref(), Some("BAD_USER_INPUT"), "{operation}");
        }
        for operation in ["rotate", "suspend"] {
            let path = format!("/api-tokens/{}/{operation}", token.id);
            let answer = server.admin.rest("POST", &path, json!({ field: text })).await;
            assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some(field)), "{operation}");
        }
        assert_eq!(revoke(&server, &token.id, &[(field, &text)]).await, 400, "{field}");
    }
    assert_eq!(reasons(&server, &token.id).await, [event("CREATED", Value::Null, Value::Null)]);
}

#[tokio::test]
async fn a_reason_can_be_given_over_rest() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let path = format!("/api-tokens/{}", token.id);
    for operation in ["rotate", "suspend"] {
        server.clock.advance(1_000);
        let body = json!({ "reason": operation, "evidenceURL": URL });
        assert_eq!(server.admin.rest("POST", &format!("{path}/{operation}"), body).await.status, 200, "{operation}");
    }
    server.clock.advance(1_000);
    assert_eq!(revoke(&server, &token.id, &[("reason", "revoke"), ("evidenceURL", URL)]).await, 204);
    let expected = [
        event("CREATED", Value::Null, Value::Null),
        event("ROTATED", json!("rotate"), json!(URL)),
        event("SUSPENDED", json!("suspend"), json!(URL)),
        event("REVOKED", json!("revoke"), json!(URL)),
    ];
    assert_eq!(reasons(&server, &token.id).await, expected);
}
