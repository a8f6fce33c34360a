//! R8: a value that no longer works is refused and recorded, and its reuse may revoke the token.

use serde_json::json;

use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

async fn reuses(server: &Server, id: &str) -> usize {
    server.admin.events(json!({ "tokenId": id, "actions": ["API_TOKEN_VALUE_REUSED"] })).await.len()
}

#[tokio::test]
async fn r8_the_reuse_of_a_retired_or_cancelled_value_is_recorded_once_a_minute_a_value() {
    let server = Server::start().await;
    let replica = server.replica().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let first = token.client.clone();
    let cancelled = first.with(first.rotate().await.unwrap());
    server.clock.set(10 * SECOND);
    let second = first.with(first.rotate().await.unwrap());
    second.with(second.rotate().await.unwrap());
    for (offset, recorded) in [(0, 2), (1, 2), (60 * SECOND - 1, 2), (60 * SECOND, 4), (60 * SECOND + 1, 4)] {
        server.clock.set(MINUTE + offset);
        for value in [&first, &cancelled] {
            assert_eq!(value.check().await, Err("VALUE_RETIRED".into()));
            assert_eq!(value.at(&replica.url).check().await, Err("VALUE_RETIRED".into()));
        }
        assert_eq!(reuses(&server, &token.id).await, recorded, "{offset}");
    }
    assert_eq!(second.check().await, Ok(4), "ALERT leaves the token alone");
}

#[tokio::test]
async fn r8_a_token_may_be_set_to_be_revoked_on_reuse() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "onReuse": "REVOKE" })).await.unwrap();
    let first = token.client.clone();
    let second = first.with(first.rotate().await.unwrap());
    let third = first.with(second.rotate().await.unwrap());
    assert_eq!(third.check().await, Ok(3));
    // Within ten seconds of the rotation it may be a worker that lost a race.
    server.clock.advance(10 * SECOND - 1);
    assert_eq!(first.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(third.check().await, Ok(3));
    server.clock.advance(1);
    assert_eq!(first.check().await, Err("VALUE_RETIRED".into()));
    for value in [&first, &second, &third] {
        assert_eq!(value.check().await, Err("TOKEN_REVOKED".into()));
    }
    let events = server.admin.events(json!({ "tokenId": token.id })).await;
    let actions: Vec<&str> = events.iter().map(|(action, _, _)| action.as_str()).collect();
    assert!(actions.contains(&"API_TOKEN_VALUE_REUSED") && actions.contains(&"API_TOKEN_REVOKED"), "{actions:?}");
}

#[tokio::test]
async fn r8_setting_on_reuse_to_revoke_after_an_alert_takes_effect_immediately() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "overlapMinutes": 0 })).await.unwrap();
    let stolen = token.client.clone();
    let kept = stolen.with(stolen.rotate().await.unwrap());
    server.clock.advance(10 * SECOND);
    assert_eq!(stolen.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(kept.check().await, Ok(2));
    server.admin.update(json!({ "id": token.id, "onReuse": "REVOKE" })).await.unwrap();
    assert_eq!(stolen.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(kept.check().await, Err("TOKEN_REVOKED".into()));
    assert_eq!(reuses(&server, &token.id).await, 1, "the reuse itself was recorded less than a minute ago");
}

#[tokio::test]
async fn r8_a_retry_of_a_rotation_without_overlap_does_not_cost_the_token_its_life() {
    let server = Server::start().await;
    let input = json!({ "name": "n", "overlapMinutes": 0, "onReuse": "REVOKE" });
    let old = server.admin.create(input).await.unwrap().client;
    let key = json!({ "idempotencyKey": "k" });
    let new = old.with(old.rotate_with(key.clone()).await.unwrap());
    assert_eq!(old.rotate_with(key).await, Err("VALUE_RETIRED".into()));
    assert_eq!(new.check().await, Ok(2));
}
