//! The audit log: one event for each change, in its transaction, and for each refusal worth knowing.

use rotakey::service::Policy;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

fn event(action: &str, result: &str, generation: impl Into<Value>) -> (String, String, Value) {
    (action.to_owned(), result.to_owned(), generation.into())
}

#[tokio::test]
async fn every_change_and_every_refusal_worth_knowing_leaves_one_event() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "watched" })).await.unwrap();
    let first = &token.client;
    // One step a second, so that events are in order; each twice where twice must make no difference.
    let step = || server.clock.advance(SECOND);
    step();
    first.rotate().await.unwrap();
    step();
    first.rotate().await.unwrap_err();
    first.rotate().await.unwrap_err();
    server.clock.advance(10 * SECOND);
    let key = json!({ "idempotencyKey": "k" });
    let third = first.with(first.rotate_with(key.clone()).await.unwrap());
    step();
    first.rotate_with(key).await.unwrap();
    step();
    server.admin.update(json!({ "id": token.id, "name": "renamed" })).await.unwrap();
    step();
    third.check().await.unwrap();
    first.rotate().await.unwrap_err();
    step();
    server.admin.end_overlap(&token.id).await.unwrap_err();
    server.admin.end_overlap(&token.id).await.unwrap_err();
    step();
    server.admin.force_end_overlap(&token.id).await.unwrap();
    server.admin.force_end_overlap(&token.id).await.unwrap();
    step();
    first.check().await.unwrap_err();
    first.check().await.unwrap_err();
    step();
    let deputy = server.admin.create(json!({ "name": "deputy", "permissions": ["API_TOKEN_MODIFY"] })).await.unwrap();
    deputy.client.revoke(&token.id).await.unwrap();
    deputy.client.revoke(&token.id).await.unwrap();
    assert_eq!(
        server.admin.events(json!({ "tokenId": token.id })).await,
        [
            event("API_TOKEN_CREATED", "OK", 1),
            event("API_TOKEN_ROTATED", "OK", 2),
            event("API_TOKEN_ROTATION_REFUSED", "ROTATION_CONFLICT", 1),
            event("API_TOKEN_RECOVERED", "OK", 3),
            event("API_TOKEN_ROTATION_REPEATED", "OK", 3),
            event("API_TOKEN_UPDATED", "OK", 3),
            event("API_TOKEN_ROTATION_REFUSED", "VALUE_SUPERSEDED", 1),
            event("API_TOKEN_OVERLAP_END_REFUSED", "STILL_IN_USE", 1),
            event("API_TOKEN_OVERLAP_ENDED", "OK", 3),
            event("API_TOKEN_VALUE_REUSED", "OK", 1),
            event("API_TOKEN_REVOKED", "OK", 3),
        ]
    );
    // Who did it is who did it, and not who made the token.
    let by_deputy = server.admin.events(json!({ "actorId": deputy.id })).await;
    assert_eq!(by_deputy, [event("API_TOKEN_REVOKED", "OK", 3)]);
}

#[tokio::test]
async fn bad_credentials_are_recorded_once_a_minute_an_address() {
    let server = Server::start().await;
    let knock = async |address: &str| {
        let request = server.anonymous().with("rk_nonsense").request("POST", "/graphql");
        let body = json!({ "query": "{ __typename }" });
        request.header("X-Forwarded-For", address).json(&body).send().await.unwrap();
    };
    let recorded = async || server.admin.events(json!({ "actions": ["SIGN_IN_REFUSED"] })).await;
    for (offset, address, count) in [
        (0, "192.0.2.1", 1),
        (1, "192.0.2.1", 1),
        (2, "192.0.2.2", 2),
        (MINUTE - 1, "192.0.2.1", 2),
        (MINUTE, "192.0.2.1", 3),
    ] {
        server.clock.set(offset);
        knock(address).await;
        assert_eq!(recorded().await.len(), count, "{offset}");
    }
    assert_eq!(recorded().await[0], event("SIGN_IN_REFUSED", "UNAUTHENTICATED", Value::Null));
}

#[tokio::test]
async fn a_refused_change_leaves_no_event_of_a_change() {
    let server = Server::start().await;
    let before = server.admin.events(json!({})).await;
    server.admin.create(json!({ "name": "" })).await.err().unwrap();
    server.admin.create(json!({ "name": "x", "allowedCIDRBlocks": ["10.0.0.1/8"] })).await.err().unwrap();
    let plain = server.admin.create(json!({ "name": "plain" })).await.unwrap();
    let one_more = server.admin.events(json!({})).await;
    assert_eq!(one_more.len(), before.len() + 1);
    plain.client.create(json!({ "name": "x" })).await.err().unwrap();
    plain.client.revoke(&server.admin.my_id().await).await.unwrap_err();
    assert_eq!(server.admin.events(json!({})).await, one_more);
}

#[tokio::test]
async fn the_log_is_read_by_time_by_page_and_newest_first() {
    let server = Server::start().await;
    for minute in 1..=5 {
        server.clock.set(minute * MINUTE);
        server.admin.create(json!({ "name": format!("t{minute}") })).await.unwrap();
    }
    let query = "query($first: Int, $after: String, $filter: AuditEventFilter) {
        auditEvents(first: $first, after: $after, filter: $filter) {
            edges { node { occurredAt } } pageInfo { hasNextPage hasPreviousPage endCursor } } }";
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let filter = json!({ "since": "2026-01-01T00:02:00Z", "until": "2026-01-01T00:05:00Z" });
        let answer = server.admin.graphql(query, json!({ "first": 2, "after": after, "filter": filter })).await;
        let page = &answer.body["data"]["auditEvents"];
        seen.extend(page["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["occurredAt"].clone()));
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        assert!(seen.len() < 10, "the pages do not end");
        after = page["pageInfo"]["endCursor"].clone();
    }
    let at = |minute: u8| json!(format!("2026-01-01T00:0{minute}:00.000Z"));
    assert_eq!(seen, [at(4), at(3), at(2)]);
    for (arguments, field) in [("first: 0", "first"), ("first: 201", "first"), ("after: \"x\"", "after")] {
        let answer = server.admin.ask(&format!("{{ auditEvents({arguments}) {{ edges {{ cursor }} }} }}")).await;
        assert_eq!((answer.code(), answer.field()), (Some("BAD_USER_INPUT"), Some(field)));
    }
}

#[tokio::test]
async fn events_are_kept_as_long_as_the_operator_says() {
    let policy = Policy { audit_retention_minutes: Some(60), ..Policy::default() };
    let server = Server::start_with(policy).await;
    let service = server.service().await;
    for (minute, kept) in [(59, 1), (60, 1), (61, 0)] {
        server.clock.set(minute * MINUTE);
        service.sweep().await.unwrap();
        assert_eq!(server.admin.events(json!({ "actions": ["API_TOKEN_CREATED"] })).await.len(), kept, "{minute}");
    }
}

#[tokio::test]
async fn strangers_cannot_crowd_out_what_is_said_of_a_token() {
    let server = Server::start().await;
    let knock = async |address: String| {
        let request = server.anonymous().with("bad").request("POST", "/graphql").header("X-Forwarded-For", address);
        request.json(&json!({ "query": "{ __typename }" })).send().await.unwrap();
    };
    for number in 0..40 {
        knock(format!("2001:db8::{number:x}")).await;
    }
    assert_eq!(
        server.admin.events(json!({ "actions": ["SIGN_IN_REFUSED"] })).await.len(),
        1,
        "one network is one client"
    );
    for number in 0..100 {
        knock(format!("2001:db8:{number:x}::1")).await;
    }
    let recorded = server.admin.events(json!({ "actions": ["SIGN_IN_REFUSED"] })).await.len();
    assert_eq!(recorded, 64, "and of many networks there is an end");
    let bound = server.admin.create(json!({ "name": "n", "allowedCIDRBlocks": ["10.0.0.0/8"] })).await.unwrap();
    bound.client.check().await.unwrap_err();
    let refused = server.admin.events(json!({ "actions": ["API_TOKEN_RESTRICTION_REFUSED"] })).await;
    assert_eq!(refused.len(), 1);
}

/// During an upgrade, replicas of a newer version write into the same database.
#[tokio::test]
async fn a_refusal_by_a_code_that_only_a_newer_version_knows_is_listed_by_its_name() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    token.client.rotate().await.unwrap();
    token.client.rotate().await.unwrap_err();
    let connection = server.database.connect().await;
    let newer = "UPDATE audit_event SET result = 'NEWER' WHERE result = 'ROTATION_CONFLICT'";
    assert_eq!(connection.execute_unprepared(newer).await.unwrap().rows_affected(), 1);
    connection.close().await.unwrap();
    let actions = json!({ "actions": ["API_TOKEN_ROTATION_REFUSED"] });
    assert_eq!(server.admin.events(actions).await, [event("API_TOKEN_ROTATION_REFUSED", "NEWER", 1)]);
    let first = server.admin.ask("{ auditEvents(first: 1) { edges { node { refusal } } } }").await;
    assert_eq!(first.body["data"]["auditEvents"]["edges"][0]["node"], json!({ "refusal": null }));
}

#[tokio::test]
async fn an_action_and_an_actor_that_only_a_newer_version_knows_are_listed_as_unknown() {
    let server = Server::start().await;
    let admin = server.admin.my_id().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    server.admin.revoke(&token.id).await.unwrap();
    let connection = server.database.connect().await;
    let run = async |sql: &str| connection.execute_unprepared(sql).await.unwrap().rows_affected();
    assert_eq!(run("UPDATE audit_event SET action = 'API_TOKEN_NEWER' WHERE action = 'API_TOKEN_REVOKED'").await, 1);
    let (created, newer) = (event("API_TOKEN_CREATED", "OK", 1), event("UNKNOWN", "OK", 1));
    let expected = [created.clone(), newer.clone()];
    // By each index that a page can be read from.
    for filter in [json!({ "tokenId": token.id }), json!({ "tokenId": token.id, "actorId": admin })] {
        assert_eq!(server.admin.events(filter.clone()).await, expected, "{filter}");
    }
    for filter in [json!({}), json!({ "actorId": admin }), json!({ "actions": ["UNKNOWN", "API_TOKEN_CREATED"] })] {
        assert!(server.admin.events(filter.clone()).await.ends_with(&expected), "{filter}");
    }
    assert_eq!(server.admin.events(json!({ "actions": ["UNKNOWN"] })).await, [newer]);
    assert_eq!(server.admin.events(json!({ "tokenId": token.id, "actions": ["API_TOKEN_CREATED"] })).await, [created]);
    assert_eq!(run("UPDATE audit_event SET actor = 'usr_1' WHERE action = 'API_TOKEN_NEWER'").await, 1);
    connection.close().await.unwrap();
    let first = server.admin.ask("{ auditEvents(first: 1) { edges { node { action actor { kind } } } } }").await;
    let node = &first.body["data"]["auditEvents"]["edges"][0]["node"];
    assert_eq!(*node, json!({ "action": "UNKNOWN", "actor": null }));
}

/// During an upgrade: the server has prepared the statement, and PostgreSQL would refuse it if its columns had become others.
#[tokio::test]
async fn events_are_read_as_before_after_a_newer_version_has_added_a_column() {
    let server = Server::start().await;
    let read = async || server.admin.events(json!({})).await;
    let before = read().await;
    assert!(!before.is_empty());
    let connection = server.database.connect().await;
    connection.execute_unprepared("ALTER TABLE audit_event ADD COLUMN region TEXT").await.unwrap();
    connection.close().await.unwrap();
    for _ in 0..3 {
        assert_eq!(read().await, before);
    }
}
