//! `auditEvents` as a subscription: which events it delivers, to whom, and when it ends. Over server-sent events.

use std::time::Duration;

use nix::sys::signal::Signal;
use rotakey::service::Policy;
use serde_json::{Value, json};

use crate::support::client::{Created, ROTATE};
use crate::support::clock::MINUTE;
use crate::support::database::TestDatabase;
use crate::support::events::Events;
use crate::support::process::Process;
use crate::support::server::Server;

const SUBSCRIBE: &str = "subscription { auditEvents { action } }";

/// A token that may read the audit log, with these settings besides.
async fn reader(server: &Server, settings: Value) -> Created {
    let mut input = json!({ "name": "reader", "permissions": ["AUDIT_LOG_READ"] });
    input.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    server.admin.create(input).await.unwrap()
}

#[tokio::test]
async fn a_subscriber_gets_every_change_once_and_in_order() {
    let server = Server::start().await;
    let mut all = Events::of_audit_log(&server.admin, json!({})).await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    // Once one subscriber has the event, no later one gets it.
    assert_eq!(all.action_or_code().await, "API_TOKEN_CREATED");
    let mut its = Events::of_audit_log(&server.admin, json!({ "tokenId": token.id })).await;
    let mut refusals =
        Events::of_audit_log(&server.admin, json!({ "actions": ["API_TOKEN_VALUE_REUSED", "SIGN_IN_REFUSED"] })).await;
    server.admin.create(json!({ "name": "other" })).await.unwrap();
    token.client.rotate().await.unwrap();
    server.admin.force_end_overlap(&token.id).await.unwrap();
    assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
    server.admin.revoke(&token.id).await.unwrap();
    let named = |words: &[&str]| words.iter().map(|word| format!("API_TOKEN_{word}")).collect::<Vec<_>>();
    for expected in named(&["CREATED", "ROTATED", "OVERLAP_ENDED", "VALUE_REUSED", "REVOKED"]) {
        assert_eq!(all.action_or_code().await, expected);
    }
    for expected in named(&["ROTATED", "OVERLAP_ENDED", "VALUE_REUSED", "REVOKED"]) {
        assert_eq!(its.action_or_code().await, expected);
    }
    assert_eq!(refusals.action_or_code().await, "API_TOKEN_VALUE_REUSED");
}

#[tokio::test]
async fn a_filter_lets_the_same_events_through_as_it_does_in_the_query() {
    let server = Server::start().await;
    let (admin, since) = (server.admin.my_id().await, "2026-01-01T00:00:30.000Z");
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let filters = [
        json!({}),
        json!({ "actions": ["API_TOKEN_ROTATED", "API_TOKEN_UPDATED"] }),
        json!({ "tokenId": token.id }),
        json!({ "actorId": admin }),
        json!({ "since": since }),
        json!({ "until": since }),
        json!({ "actorId": admin, "tokenId": token.id, "since": since, "actions": ["API_TOKEN_UPDATED"] }),
        json!({ "actions": [] }),
    ];
    server.admin.update(json!({ "id": admin, "protected": false })).await.unwrap();
    let before: Vec<usize> = counts(&server, &filters).await;
    let mut streams = Vec::new();
    for filter in &filters {
        streams.push(Events::of_audit_log(&server.admin, filter.clone()).await);
    }
    for millis in [29_999, 30_000] {
        server.clock.set(millis);
        // The second comes too soon, which is an event as well.
        let _ = server.admin.rotate_id(&token.id).await;
        // And the same by another, that of the token itself.
        token.client.rotate().await.unwrap_err();
        server.admin.update(json!({ "id": token.id, "name": "m" })).await.unwrap();
        server.anonymous().with("rk_none").check().await.unwrap_err();
    }
    let after = counts(&server, &filters).await;
    // The last event reaches all of them, each as the end of its stream.
    server.admin.revoke(&admin).await.unwrap();
    for ((stream, filter), count) in streams.iter_mut().zip(&filters).zip(after.iter().zip(before)) {
        let mut received = 0;
        while stream.action_or_code().await != "TOKEN_REVOKED" {
            received += 1;
        }
        assert_eq!(received, count.0 - count.1, "{filter}");
    }
    assert!(after[0] > after[3] && after[3] > 1);
}

/// How many events each filter lets through in the query.
async fn counts(server: &Server, filters: &[Value]) -> Vec<usize> {
    let mut counts = Vec::new();
    for filter in filters {
        counts.push(server.admin.events(filter.clone()).await.len());
    }
    counts
}

#[tokio::test]
async fn r10_a_subscription_ends_with_the_reason_when_its_value_no_longer_works() {
    let server = Server::start().await;
    let revoked = reader(&server, json!({})).await;
    let mut events = Events::of_audit_log(&revoked.client, json!({})).await;
    server.admin.revoke(&revoked.id).await.unwrap();
    assert_eq!(events.last_action_or_code().await, "TOKEN_REVOKED");

    let ended = reader(&server, json!({})).await;
    let mut events = Events::of_audit_log(&ended.client, json!({ "actions": ["SIGN_IN_REFUSED"] })).await;
    let new = ended.client.with(ended.client.rotate().await.unwrap());
    let mut of_new = Events::of_audit_log(&new, json!({ "tokenId": ended.id })).await;
    server.admin.force_end_overlap(&ended.id).await.unwrap();
    assert_eq!(events.last_action_or_code().await, "VALUE_RETIRED");
    assert_eq!(of_new.action_or_code().await, "API_TOKEN_OVERLAP_ENDED", "the new value still works");

    let forbidden = reader(&server, json!({})).await;
    let mut events = Events::of_audit_log(&forbidden.client, json!({})).await;
    server.admin.update(json!({ "id": forbidden.id, "permissions": [] })).await.unwrap();
    assert_eq!(events.last_action_or_code().await, "FORBIDDEN");

    let restricted = reader(&server, json!({})).await;
    let mut events = Events::of_audit_log(&restricted.client, json!({})).await;
    server.admin.update(json!({ "id": restricted.id, "allowedCIDRBlocks": ["10.0.0.0/8"] })).await.unwrap();
    assert_eq!(events.last_action_or_code().await, "ADDRESS_REFUSED");
}

#[tokio::test]
async fn r10_a_subscription_ends_on_every_replica() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let token = reader(&server, json!({})).await;
    let mut events = Events::of_audit_log(&token.client.at(&replica.url), json!({})).await;
    server.admin.revoke(&token.id).await.unwrap();
    assert_eq!(events.last_action_or_code().await, "TOKEN_REVOKED");
}

#[tokio::test]
async fn r2_r3_r4_a_subscription_ends_at_every_deadline_without_any_event() {
    let server = Server::start().await;
    let expiring = reader(&server, json!({ "expiresAt": "2026-01-01T00:01:00.000Z" })).await.client;
    let overdue = reader(&server, json!({ "rotationPeriodMinutes": 1, "overlapMinutes": 1 })).await.client;
    let replaced = reader(&server, json!({ "overlapMinutes": 1 })).await.client;
    replaced.rotate().await.unwrap();
    let nothing = json!({ "actions": [] });
    let mut streams = Vec::new();
    for client in [expiring, overdue, replaced] {
        streams.push(Events::of_audit_log(&client, nothing.clone()).await);
    }
    server.clock.set(MINUTE);
    for (stream, code) in streams.iter_mut().zip(["TOKEN_EXPIRED", "ROTATION_OVERDUE", "VALUE_RETIRED"]) {
        assert_eq!(stream.last_action_or_code().await, code);
    }
}

#[tokio::test]
async fn subscribing_needs_the_permission_to_read_the_audit_log() {
    let server = Server::start().await;
    let other = server.admin.create(json!({ "name": "unprivileged" })).await.unwrap().client;
    assert_eq!(Events::of_audit_log(&other, json!({})).await.last_action_or_code().await, "FORBIDDEN");
    for client in [server.anonymous(), server.anonymous().with("rk_wrong")] {
        let refused = Events::of(&client, SUBSCRIBE, json!({})).await.err().unwrap();
        assert_eq!((refused.status, refused.code()), (401, Some("UNAUTHENTICATED")));
        assert!(refused.header("www-authenticate").is_some());
    }
}

#[tokio::test]
async fn an_event_stream_answers_every_operation_by_the_rules_of_the_endpoint() {
    let server = Server::start().await;
    let admin = &server.admin;
    let answered = |(event, data): (String, Value)| {
        assert_eq!(event, "next");
        data["errors"][0]["extensions"]["code"].as_str().map(str::to_owned)
    };
    for (query, code) in [
        ("query { currentAPIToken() { id } }", None),
        ("{ nothing }", Some("GRAPHQL_VALIDATION_FAILED")),
        ("{", Some("GRAPHQL_PARSE_FAILED")),
        ("subscription { auditEvents { nothing } }", Some("GRAPHQL_VALIDATION_FAILED")),
        ("subscription { a: auditEvents { id } b: auditEvents { id } }", Some("GRAPHQL_VALIDATION_FAILED")),
        (r#"subscription { auditEvents(filter: { tokenId: "x" }) { id } }"#, Some("NOT_FOUND")),
        ("mutation { a: rotateAPIToken { token { id } } b: rotateAPIToken { token { id } } }", Some("BAD_USER_INPUT")),
    ] {
        let mut events = Events::of(admin, query, json!({})).await.unwrap();
        assert_eq!(answered(events.next().await.unwrap()).as_deref(), code, "{query}");
        assert_eq!(events.next().await, Some(("complete".to_owned(), Value::Null)), "{query}");
    }
    // By GET, but nothing that changes anything.
    let get = |query: &'static str| {
        let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let request = admin.request("GET", &format!("/graphql?query={encoded}")).header("Accept", "text/event-stream");
        async move { Events::from(request.send().await.unwrap()).await }
    };
    let mut events = get("subscription { auditEvents { action } }").await.unwrap();
    let new = admin.with(admin.rotate().await.unwrap());
    assert_eq!(events.action_or_code().await, "API_TOKEN_ROTATED");
    let refused = get(ROTATE).await.err().unwrap();
    assert_eq!((refused.status, refused.header("allow")), (405, Some("POST")));
    // And the one answer of a plain request cannot hold a subscription.
    assert_eq!(new.ask(SUBSCRIBE).await.code(), Some("BAD_USER_INPUT"));
    let list = admin.request("POST", "/graphql").header("Accept", "text/event-stream").json(&json!([{}, {}]));
    assert_eq!(list.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn an_event_stream_also_warns_of_the_previous_value() {
    let server = Server::start().await;
    server.admin.rotate().await.unwrap();
    let request = server.admin.request("POST", "/graphql").header("Accept", "text/event-stream");
    let response = request.json(&json!({ "query": SUBSCRIBE })).send().await.unwrap();
    assert!(response.headers().contains_key("deprecation") && response.headers().contains_key("sunset"));
}

#[tokio::test]
async fn event_streams_are_bounded_for_each_token_and_in_all() {
    let server = Server::start_with(Policy { max_streams_per_token: 2, max_streams: 3, ..Policy::default() }).await;
    let other = reader(&server, json!({})).await.client;
    let subscribe = async |client: &_| Events::of_audit_log(client, json!({})).await;
    let mut streams = vec![subscribe(&server.admin).await, subscribe(&server.admin).await];
    assert_eq!(subscribe(&server.admin).await.last_action_or_code().await, "RATE_LIMITED");
    streams.push(subscribe(&other).await);
    assert_eq!(subscribe(&other).await.last_action_or_code().await, "UNAVAILABLE", "of all");
    // Those that are open go on, and a query is no such stream.
    server.admin.create(json!({ "name": "n" })).await.unwrap();
    for stream in &mut streams {
        assert_eq!(stream.action_or_code().await, "API_TOKEN_CREATED");
    }
    assert_eq!(server.admin.check().await, Ok(1));
    // One that has ended makes room.
    let id = other.my_id().await;
    server.admin.revoke(&id).await.unwrap();
    assert_eq!(streams[2].last_action_or_code().await, "TOKEN_REVOKED");
    let next = reader(&server, json!({})).await.client;
    let mut events = subscribe(&next).await;
    server.admin.create(json!({ "name": "n" })).await.unwrap();
    assert_eq!(events.action_or_code().await, "API_TOKEN_CREATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_asked_to_stop_ends_streams_and_does_not_wait_for_them() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    let admin = server.client().with(server.first_value());
    let mut events = Events::of_audit_log(&admin, json!({})).await;
    server.signal(Signal::SIGTERM);
    let stopped = tokio::time::timeout(Duration::from_secs(10), async {
        assert_eq!(events.last_action_or_code().await, "UNAVAILABLE", "there would be more");
        tokio::task::spawn_blocking(|| server.ended()).await.unwrap()
    });
    let (status, _, _) = stopped.await.unwrap();
    assert!(status.success());
}
