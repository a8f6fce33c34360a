//! R6: repeating a request repeats its answer, with nothing secret stored.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

async fn salts(server: &Server) -> i64 {
    let connection = server.database.connect().await;
    let sql = "SELECT COUNT(*) AS salts FROM api_token_value WHERE salt IS NOT NULL";
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get("", "salts").unwrap()
}

#[tokio::test]
async fn r6_the_same_old_value_and_key_give_the_same_new_value_until_it_is_used() {
    let server = Server::start().await;
    let old = server.admin.clone();
    let input = json!({ "idempotencyKey": "deploy 42" });
    let value = old.rotate_with(input.clone()).await.unwrap();
    for offset in [0, 1, 10 * SECOND, 10 * MINUTE - 1] {
        server.clock.set(offset);
        assert_eq!(old.rotate_with(input.clone()).await.as_ref(), Ok(&value), "{offset}");
    }
    assert_eq!(salts(&server).await, 1);
    assert_eq!(old.with(&value).check().await, Ok(2), "it was rotated once");
    assert_eq!(salts(&server).await, 0, "the salt is erased at the first use");
    assert_eq!(old.rotate_with(input).await, Err("VALUE_SUPERSEDED".into()));
}

#[tokio::test]
async fn r6_the_header_names_the_rotation_as_well_and_the_field_goes_first() {
    let server = Server::start().await;
    let rotate = async |header: &str, field: Option<&str>| {
        let query = "mutation($key: String) { rotateAPIToken(input: { idempotencyKey: $key }) { token { value } } }";
        let body = json!({ "query": query, "variables": { "key": field } });
        let request = server.admin.request("POST", "/graphql").header("Idempotency-Key", header).json(&body);
        crate::support::client::Answer::of(request.send().await.unwrap()).await.value_of("rotateAPIToken")
    };
    let value = rotate("one", None).await.unwrap();
    assert_eq!(rotate("one", None).await.as_ref(), Ok(&value));
    assert_eq!(rotate("\"one\"", None).await.as_ref(), Ok(&value), "quoted, as the draft has it");
    assert_eq!(rotate("two", Some("one")).await.as_ref(), Ok(&value));
    assert_eq!(rotate("one", Some("two")).await, Err("ROTATION_CONFLICT".into()));
}

#[tokio::test]
async fn r6_another_key_or_none_is_another_request() {
    let server = Server::start().await;
    let old = server.admin.clone();
    let first = old.rotate_with(json!({ "idempotencyKey": "one" })).await.unwrap();
    assert_eq!(old.rotate_with(json!({ "idempotencyKey": "two" })).await, Err("ROTATION_CONFLICT".into()));
    assert_eq!(old.rotate().await, Err("ROTATION_CONFLICT".into()));
    server.clock.advance(10 * SECOND);
    let second = old.rotate_with(json!({ "idempotencyKey": "two" })).await.unwrap();
    assert_eq!(old.with(first).check().await, Err("VALUE_RETIRED".into()));
    server.clock.advance(10 * SECOND);
    // The first key names a rotation that was cancelled; it rotates again, and gives another value.
    let third = old.rotate_with(json!({ "idempotencyKey": "one" })).await.unwrap();
    assert_eq!(old.with(second).check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(old.with(third).check().await, Ok(4));
}

#[tokio::test]
async fn r6_a_key_reused_with_another_input_is_refused() {
    let server = Server::start().await;
    let key = "one";
    let value = server.admin.rotate_with(json!({ "idempotencyKey": key })).await.unwrap();
    let other = json!({ "idempotencyKey": key, "overlapMinutes": 5 });
    for _ in 0..2 {
        assert_eq!(server.admin.rotate_with(other.clone()).await, Err("IDEMPOTENCY_KEY_REUSED".into()));
    }
    assert_eq!(server.admin.rotate_with(json!({ "idempotencyKey": key })).await, Ok(value));
}

#[tokio::test]
async fn r6_a_rotation_by_id_is_repeated_for_the_same_caller_only() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let input = json!({ "id": token.id, "idempotencyKey": "from the console" });
    let value = server.admin.rotate_with(input.clone()).await.unwrap();
    assert_eq!(server.admin.rotate_with(input.clone()).await.as_ref(), Ok(&value));
    // Another caller with the same key is another caller.
    let deputy = server.admin.create(json!({ "name": "deputy", "permissions": ["API_TOKEN_MODIFY"] })).await.unwrap();
    assert_eq!(deputy.client.rotate_with(input).await, Err("ROTATION_CONFLICT".into()));
    assert_eq!(server.admin.with(value).check().await, Ok(2));
}

#[tokio::test]
async fn r6_of_64_concurrent_requests_with_one_key_all_get_one_value() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let mut racers = JoinSet::new();
    for number in 0..64 {
        let client = if number % 2 == 0 { server.admin.clone() } else { server.admin.at(&replica.url) };
        racers.spawn(async move { client.rotate_with(json!({ "idempotencyKey": "all" })).await });
    }
    let values: BTreeSet<String> = racers.join_all().await.into_iter().map(Result::unwrap).collect();
    assert_eq!(values.len(), 1);
    assert_eq!(server.admin.with(values.first().unwrap()).check().await, Ok(2));
}

#[tokio::test]
async fn r6_the_salt_is_erased_at_the_end_of_the_overlap() {
    let server = Server::start().await;
    let service = server.service().await;
    for ended_early in [false, true] {
        let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
        token.client.rotate_with(json!({ "idempotencyKey": "k" })).await.unwrap();
        service.sweep().await.unwrap();
        assert_eq!(salts(&server).await, 1);
        if ended_early {
            server.admin.force_end_overlap(&token.id).await.unwrap();
        } else {
            server.clock.advance(10 * MINUTE - 1);
            service.sweep().await.unwrap();
            assert_eq!(salts(&server).await, 1);
            server.clock.advance(1);
            service.sweep().await.unwrap();
        }
        assert_eq!(salts(&server).await, 0, "ended early: {ended_early}");
    }
}

#[tokio::test]
async fn an_idempotency_key_has_1_to_255_printable_ascii_characters() {
    let server = Server::start().await;
    let query = "mutation($key: String) { rotateAPIToken(input: { idempotencyKey: $key }) { token { value } } }";
    for key in [String::new(), "k".repeat(256), "clé".into(), "a\nb".into()] {
        let answer = server.admin.graphql(query, json!({ "key": key })).await;
        assert_eq!((answer.code(), answer.field()), (Some("BAD_USER_INPUT"), Some("idempotencyKey")), "{key:?}");
    }
    assert_eq!(server.admin.check().await, Ok(1));
    assert_eq!(server.admin.graphql(query, json!({ "key": "k".repeat(255) })).await.code(), None);
}

#[tokio::test]
async fn r6_an_overlap_of_0_is_another_input_even_where_the_overlap_is_0_anyway() {
    let server = Server::start().await;
    let input = json!({ "name": "n", "overlapMinutes": 0, "overlapStarts": "FIRST_USE" });
    let old = server.admin.create(input).await.unwrap().client;
    old.rotate_with(json!({ "idempotencyKey": "k" })).await.unwrap();
    let leaked = json!({ "idempotencyKey": "k", "overlapMinutes": 0 });
    assert_eq!(old.rotate_with(leaked).await, Err("IDEMPOTENCY_KEY_REUSED".into()));
}

#[tokio::test]
async fn r6_no_salt_outlives_its_token_or_is_kept_where_it_cannot_be_used() {
    let server = Server::start().await;
    let service = server.service().await;
    let none = server.admin.create(json!({ "name": "none", "overlapMinutes": 0 })).await.unwrap();
    none.client.rotate_with(json!({ "idempotencyKey": "k" })).await.unwrap();
    assert_eq!(salts(&server).await, 0);
    let input = json!({ "name": "n", "overlapStarts": "FIRST_USE", "expiresAt": "2026-01-01T00:01:00Z" });
    for end in ["revoked", "expired"] {
        let token = server.admin.create(input.clone()).await.unwrap();
        token.client.rotate_with(json!({ "idempotencyKey": "k" })).await.unwrap();
        service.sweep().await.unwrap();
        assert_eq!(salts(&server).await, 1);
        match end {
            "revoked" => drop(server.admin.revoke(&token.id).await.unwrap()),
            _ => server.clock.set(MINUTE),
        }
        service.sweep().await.unwrap();
        assert_eq!(salts(&server).await, 0, "{end}");
    }
}

#[tokio::test]
async fn r6_a_recovery_from_a_shortened_overlap_can_be_repeated_too() {
    let server = Server::start().await;
    let old = server.admin.create(json!({ "name": "n", "overlapMinutes": 1_000 })).await.unwrap().client;
    old.rotate_with(json!({ "overlapMinutes": 1 })).await.unwrap();
    server.clock.set(10 * SECOND);
    let value = old.rotate_with(json!({ "idempotencyKey": "k" })).await.unwrap();
    for _ in 0..2 {
        assert_eq!(old.rotate_with(json!({ "idempotencyKey": "k" })).await.as_ref(), Ok(&value));
    }
    // Neither does a second recovery lengthen what the first rotation shortened.
    server.clock.set(20 * SECOND);
    old.rotate().await.unwrap();
    server.clock.set(MINUTE + 20 * SECOND);
    assert_eq!(old.check().await, Err("VALUE_RETIRED".into()));
}
