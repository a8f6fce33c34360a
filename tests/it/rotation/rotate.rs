//! `rotateAPIToken`, the main job.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

#[tokio::test]
async fn the_form_that_published_guides_print_works_verbatim_at_both_addresses() {
    let server = Server::start().await;
    let mut holder = server.admin.clone();
    for path in ["/graphql", "/public/graphql"] {
        let body = json!({ "query": "mutation rotateAPIToken() { rotateAPIToken() { token{ value } } }" });
        let answer = holder.request("POST", path).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: serde_json::Value = answer.json().await.unwrap();
        let value = answer["data"]["rotateAPIToken"]["token"]["value"].as_str().unwrap();
        holder = holder.with(value);
        assert!(holder.check().await.is_ok());
    }
}

#[tokio::test]
async fn the_whole_answer_of_a_rotation() {
    let server = Server::start().await;
    server.clock.advance(MINUTE);
    let answer = server
        .admin
        .ask(
            "mutation { rotateAPIToken { token {
               id name description owner kind status permissions scopes generation
               values { generation hint createdAt firstUsedAt retiresAt }
               createdAt createdBy { kind id } rotatedAt rotatedBy { kind id } lastUsedAt
               expiresAt rotationPeriodMinutes rotateBy overlapMinutes revokedAt value
             } } }",
        )
        .await;
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert!(answer.header("X-Request-Id").unwrap().starts_with("req_"));
    insta::assert_json_snapshot!(answer.body, @r#"
    {
      "data": {
        "rotateAPIToken": {
          "token": {
            "createdAt": "2026-01-01T00:00:00.000Z",
            "createdBy": {
              "id": null,
              "kind": "SYSTEM"
            },
            "description": "Created by the operator, with every permission and every scope.",
            "expiresAt": null,
            "generation": 2,
            "id": "tok_01KDVDNA00FGYCT45VFV1QPHPK",
            "kind": "PRIVATE",
            "lastUsedAt": "2026-01-01T00:01:00.000Z",
            "name": "admin",
            "overlapMinutes": 10,
            "owner": null,
            "permissions": [
              "API_TOKEN_READ",
              "API_TOKEN_MODIFY",
              "API_TOKEN_VERIFY",
              "AUDIT_LOG_READ",
              "WEBHOOK_MODIFY"
            ],
            "revokedAt": null,
            "rotateBy": null,
            "rotatedAt": "2026-01-01T00:01:00.000Z",
            "rotatedBy": {
              "id": "tok_01KDVDNA00FGYCT45VFV1QPHPK",
              "kind": "API_TOKEN"
            },
            "rotationPeriodMinutes": null,
            "scopes": [
              "*"
            ],
            "status": "ACTIVE",
            "value": "rk_TyqUCAJjbU8zqi7WwRTKzjFAhvWRTckfYIqGYgciSu717gfTD",
            "values": [
              {
                "createdAt": "2026-01-01T00:01:00.000Z",
                "firstUsedAt": null,
                "generation": 2,
                "hint": "gfTD",
                "retiresAt": null
              },
              {
                "createdAt": "2026-01-01T00:00:00.000Z",
                "firstUsedAt": "2026-01-01T00:01:00.000Z",
                "generation": 1,
                "hint": "w9GD",
                "retiresAt": "2026-01-01T00:11:00.000Z"
              }
            ]
          }
        }
      }
    }
    "#);
}

#[tokio::test]
async fn r1_old_and_new_value_both_work_and_a_second_rotation_retires_the_first() {
    let server = Server::start().await;
    let first = server.admin.clone();
    let second = first.with(first.rotate().await.unwrap());
    assert_eq!(first.check().await, Ok(2));
    assert_eq!(second.check().await, Ok(2));

    let third = second.with(second.rotate().await.unwrap());
    assert_eq!(first.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(second.check().await, Ok(3));

    let fourth = third.with(third.rotate().await.unwrap());
    assert_eq!(second.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(fourth.check().await, Ok(4));
}

#[tokio::test]
async fn r4_the_old_value_works_for_ten_minutes() {
    let server = Server::start().await;
    let old = server.admin.clone();
    let new = old.with(old.rotate().await.unwrap());
    for (offset, works) in [(10 * MINUTE - 1, true), (10 * MINUTE, false), (10 * MINUTE + 1, false)] {
        server.clock.set(offset);
        let expected = if works { Ok(2) } else { Err("VALUE_RETIRED".to_owned()) };
        assert_eq!(old.check().await, expected, "{offset}");
        assert_eq!(new.check().await, Ok(2), "{offset}");
    }
}

#[tokio::test]
async fn the_previous_value_is_answered_with_deprecation_and_sunset() {
    let server = Server::start().await;
    server.clock.advance(SECOND);
    let old = server.admin.clone();
    let rotated = old.ask(crate::support::client::ROTATE).await;
    assert_eq!(rotated.header("Deprecation"), None);
    let answer = old.ask("{ currentAPIToken { id } }").await;
    assert_eq!(answer.header("Deprecation"), Some("@1767225601"));
    assert_eq!(answer.header("Sunset"), Some("Thu, 01 Jan 2026 00:10:01 GMT"));
    let new = old.with(rotated.value_of("rotateAPIToken").unwrap());
    assert_eq!(new.ask("{ currentAPIToken { id } }").await.header("Sunset"), None);
}

#[tokio::test]
async fn r2_an_expired_token_cannot_rotate_itself_back_to_life() {
    let server = Server::start().await;
    let input = json!({ "name": "short", "expiresAt": "2026-01-01T00:05:00Z" });
    let token = server.admin.create(input).await.unwrap();
    server.clock.set(4 * MINUTE);
    let rotated = token.client.with(token.client.rotate().await.unwrap());
    for (offset, works) in [(5 * MINUTE - 1, true), (5 * MINUTE, false), (5 * MINUTE + 1, false)] {
        server.clock.set(offset);
        let expected = if works { Ok(2) } else { Err("TOKEN_EXPIRED".to_owned()) };
        assert_eq!(token.client.check().await, expected, "{offset}");
        assert_eq!(rotated.check().await, expected, "{offset}");
    }
    assert_eq!(rotated.rotate().await, Err("TOKEN_EXPIRED".into()));
    assert_eq!(server.admin.rotate_id(&token.id).await.err(), Some("TOKEN_EXPIRED".into()));
}

#[tokio::test]
async fn r3_a_token_that_missed_its_period_is_dead() {
    let server = Server::start().await;
    let input = json!({ "name": "daily", "rotationPeriodMinutes": 60 });
    let token = server.admin.create(input).await.unwrap();
    server.clock.set(60 * MINUTE - 1);
    let rotated = token.client.with(token.client.rotate().await.unwrap());
    server.clock.set(2 * 60 * MINUTE - 2);
    assert_eq!(rotated.check().await, Ok(2));
    server.clock.advance(1);
    assert_eq!(rotated.check().await, Err("ROTATION_OVERDUE".into()));
    assert_eq!(rotated.rotate().await, Err("ROTATION_OVERDUE".into()));
    assert_eq!(server.admin.rotate_id(&token.id).await.err(), Some("ROTATION_OVERDUE".into()));
}

#[tokio::test]
async fn r5_a_rotation_says_which_unused_value_it_cancelled() {
    let server = Server::start().await;
    let query = "mutation { rotateAPIToken { cancelledGeneration token { generation } } }";
    let rotate = async || {
        server.clock.advance(10 * SECOND);
        server.admin.ask(query).await.body["data"]["rotateAPIToken"].clone()
    };
    assert_eq!(rotate().await, json!({ "cancelledGeneration": null, "token": { "generation": 2 } }));
    for generation in [2, 3] {
        let expected = json!({ "cancelledGeneration": generation, "token": { "generation": generation + 1 } });
        assert_eq!(rotate().await, expected);
    }
    server.clock.advance(10 * SECOND);
    let answer = server.admin.rest("POST", "/api-tokens/self/rotate", json!(null)).await;
    assert_eq!(answer.body["cancelledGeneration"], json!(4));
    let found = server.admin.with(answer.body["value"].as_str().unwrap());
    let answer = found.rest("POST", "/api-tokens/self/rotate", json!(null)).await;
    assert_eq!(answer.body["cancelledGeneration"], json!(null));
}

#[tokio::test]
async fn r5_a_lost_answer_locks_no_client_out() {
    let server = Server::start().await;
    let old = server.admin.clone();
    let lost = old.with(old.rotate().await.unwrap());

    server.clock.advance(10 * SECOND - 1);
    assert_eq!(old.rotate().await, Err("ROTATION_CONFLICT".into()));
    server.clock.advance(1);
    let found = old.with(old.rotate().await.unwrap());
    assert_eq!(lost.check().await, Err("VALUE_RETIRED".into()), "the unused value is cancelled");
    assert_eq!(old.check().await, Ok(3), "the old value has its overlap anew");
    assert_eq!(found.check().await, Ok(3));

    server.clock.advance(11 * SECOND);
    assert_eq!(old.rotate().await, Err("VALUE_SUPERSEDED".into()), "the new value has been used");
}

#[tokio::test]
async fn one_document_rotates_a_token_once() {
    let server = Server::start().await;
    let id = server.admin.my_id().await;
    for document in [
        "mutation { a: rotateAPIToken { token { value } } b: rotateAPIToken { token { value } } }".to_owned(),
        format!("mutation {{ a: rotateAPIToken {{ token {{ id }} }} b: rotateAPIToken(input: {{ id: \"{id}\" }}) {{ token {{ id }} }} }}"),
        "mutation { a: rotateAPIToken { token { id } } ...F } fragment F on Mutation { b: rotateAPIToken { token { id } } }".to_owned(),
        "mutation { ... { a: rotateAPIToken { token { id } } } b: rotateAPIToken(input: {}) { token { id } } }".to_owned(),
    ] {
        let answer = server.admin.ask(&document).await;
        assert_eq!(answer.code(), Some("BAD_USER_INPUT"), "{document}: {}", answer.body);
    }
    let variables = json!({ "a": { "id": id }, "b": null });
    let query = "mutation($a: RotateAPITokenInput, $b: RotateAPITokenInput) {
        a: rotateAPIToken(input: $a) { token { id } } b: rotateAPIToken(input: $b) { token { id } } }";
    assert_eq!(server.admin.graphql(query, variables).await.code(), Some("BAD_USER_INPUT"));
    let default = format!(
        "mutation($x: ID = \"{id}\") {{ a: rotateAPIToken(input: {{ id: $x }}) {{ token {{ id }} }} b: rotateAPIToken {{ token {{ id }} }} }}"
    );
    assert_eq!(server.admin.ask(&default).await.code(), Some("BAD_USER_INPUT"));
    assert_eq!(server.admin.check().await, Ok(1), "nothing was rotated");

    let other = server.admin.create(json!({ "name": "other" })).await.unwrap();
    let two = format!(
        "mutation {{ a: rotateAPIToken {{ token {{ id }} }} b: rotateAPIToken(input: {{ id: \"{}\" }}) {{ token {{ id }} }} }}",
        other.id
    );
    assert_eq!(server.admin.ask(&two).await.code(), None, "two tokens may be rotated by one document");
}

#[tokio::test]
async fn r7_of_64_concurrent_rotations_of_one_value_one_wins_and_no_answer_has_a_dead_value() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let mut holder = server.admin.clone();
    for round in 1..=2 {
        let start = Arc::new(Barrier::new(64));
        let mut racers = JoinSet::new();
        for number in 0..64 {
            let client = if number % 2 == 0 { holder.clone() } else { holder.at(&replica.url) };
            let start = start.clone();
            racers.spawn(async move {
                start.wait().await;
                client.rotate().await
            });
        }
        let mut outcomes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        while let Some(outcome) = racers.join_next().await {
            match outcome.unwrap() {
                Ok(value) => outcomes.entry("won".into()).or_default().push(value),
                Err(code) => outcomes.entry(code).or_default().push(String::new()),
            }
        }
        assert_eq!(outcomes["won"].len(), 1, "{outcomes:?}");
        assert_eq!(outcomes["ROTATION_CONFLICT"].len(), 63, "{outcomes:?}");
        let winner = holder.with(&outcomes["won"][0]);
        assert_eq!(winner.check().await, Ok(round + 1));
        holder = winner;
    }
}

#[tokio::test]
async fn a_rotation_by_id_needs_the_permission_and_all_that_the_token_holds() {
    let server = Server::start().await;
    let target = server.admin.create(json!({ "name": "target", "scopes": ["read", "write"] })).await.unwrap();
    let modify = json!(["API_TOKEN_MODIFY"]);
    for (scopes, permissions, allowed) in [
        (json!(["read", "write"]), json!([]), false),
        (json!(["read"]), modify.clone(), false),
        (json!(["read", "write"]), modify.clone(), true),
        (json!(["*"]), modify.clone(), true),
    ] {
        let input = json!({ "name": "caller", "scopes": scopes, "permissions": permissions });
        let caller = server.admin.create(input).await.unwrap();
        let outcome = caller.client.rotate_id(&target.id).await;
        server.clock.advance(10 * SECOND);
        assert_eq!(outcome.is_ok(), allowed, "{scopes} {permissions}");
        assert_eq!(outcome.err(), (!allowed).then(|| "FORBIDDEN".to_owned()));
    }
}

#[tokio::test]
async fn a_public_token_is_rotated_by_someone_else_only() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "web", "kind": "PUBLIC", "scopes": ["read"] })).await.unwrap();
    assert!(token.client.value.as_ref().unwrap().starts_with("rkpub_"));
    assert_eq!(token.client.rotate().await, Err("FORBIDDEN".into()));
    let rotated = server.admin.rotate_id(&token.id).await.unwrap();
    assert!(rotated.value.as_ref().unwrap().starts_with("rkpub_"));
    assert_eq!(rotated.check().await, Ok(2));
}
