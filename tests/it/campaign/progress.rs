//! What becomes of the tokens of a campaign.

use serde_json::{Value, json};

use super::{create, create_tokens, end, input, progress, tokens};
use crate::support::clock::{MINUTE, SECOND};
use crate::support::server::Server;

#[tokio::test]
async fn a_token_goes_from_waiting_to_retired_and_the_campaign_is_complete() {
    let server = Server::start().await;
    let token = create_tokens(&server, 1, json!({ "overlapMinutes": 30 })).await.remove(0);
    let id = create(&server, &server.admin, input("NOTHING")).await;
    let service = server.service().await;
    let is = async |state: &str, count: &str| {
        service.advance_campaigns().await.unwrap();
        let expected = ("OPEN".to_owned(), json!({ "total": 1, "left": 1, count: 1 }));
        assert_eq!(progress(&server, &id).await, expected, "{state}");
        let row = vec![(token.id.clone(), state.to_owned(), None)];
        assert_eq!(tokens(&server, &id, Value::Null).await, row);
        assert_eq!(tokens(&server, &id, json!([state])).await, row);
        assert_eq!(tokens(&server, &id, json!(["GONE", "RETIRED"])).await, []);
    };
    is("WAITING", "waiting").await;
    let new = token.client.with(token.client.rotate().await.unwrap());
    is("ROTATED", "rotated").await;
    assert_eq!(new.check().await, Ok(2));
    is("NEW_VALUE_IN_USE", "newValueInUse").await;
    server.clock.advance(5 * MINUTE);
    is("OLD_VALUE_SILENT", "oldValueSilent").await;
    server.clock.advance(25 * MINUTE);
    let expected = ("COMPLETED".to_owned(), json!({ "total": 1, "retired": 1 }));
    assert_eq!(end(&server, &id).await, expected);
    // The report is that of the end.
    server.admin.revoke(&token.id).await.unwrap();
    assert_eq!(progress(&server, &id).await, expected);
    assert_eq!(tokens(&server, &id, Value::Null).await, [(token.id.clone(), "RETIRED".to_owned(), None)]);
}

#[tokio::test]
async fn tokens_that_end_are_done_and_suspended_ones_are_not() {
    let server = Server::start().await;
    let expiring = create_tokens(&server, 1, json!({ "expiresAt": "2026-01-01T00:10:00Z" })).await.remove(0);
    let overdue = create_tokens(&server, 1, json!({ "rotationPeriodMinutes": 5, "overlapMinutes": 1 })).await.remove(0);
    let revoked = create_tokens(&server, 1, json!({})).await.remove(0);
    let suspended = create_tokens(&server, 1, json!({})).await.remove(0);
    let id = create(&server, &server.admin, input("NOTHING")).await;
    server.admin.revoke(&revoked.id).await.unwrap();
    server.admin.suspend(&suspended.id).await.unwrap();
    server.clock.advance(10 * MINUTE);
    let row = |id: &str, state: &str| (id.to_owned(), state.to_owned(), None);
    let expected = [
        row(&expiring.id, "EXPIRED"),
        row(&overdue.id, "ROTATION_OVERDUE"),
        row(&revoked.id, "REVOKED"),
        row(&suspended.id, "WAITING"),
    ];
    assert_eq!(tokens(&server, &id, Value::Null).await, expected);
    let counts = json!({ "total": 4, "left": 1, "waiting": 1, "expired": 1, "rotationOverdue": 1, "revoked": 1 });
    assert_eq!(progress(&server, &id).await, ("OPEN".to_owned(), counts));
    server.admin.revoke(&suspended.id).await.unwrap();
    let counts = json!({ "total": 4, "expired": 1, "rotationOverdue": 1, "revoked": 2 });
    assert_eq!(end(&server, &id).await, ("COMPLETED".to_owned(), counts));
}

/// R5: the value of a lost answer is cancelled, and the old one is still there.
#[tokio::test]
async fn a_lost_answer_does_not_make_a_token_done() {
    let server = Server::start().await;
    let token = create_tokens(&server, 1, json!({})).await.remove(0);
    let id = create(&server, &server.admin, input("NOTHING")).await;
    token.client.rotate().await.unwrap();
    server.clock.advance(10 * SECOND);
    let recovered = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(progress(&server, &id).await.1, json!({ "total": 1, "left": 1, "rotated": 1 }));
    assert_eq!(recovered.check().await, Ok(3));
    server.clock.advance(10 * MINUTE);
    assert_eq!(end(&server, &id).await.1, json!({ "total": 1, "retired": 1 }));
}

/// Also when its tokens are collected while they are being rotated, none has to be rotated twice.
#[tokio::test]
async fn a_second_campaign_wants_a_second_rotation_and_the_first_does_not() {
    let server = Server::start().await;
    let token = create_tokens(&server, 1, json!({ "overlapMinutes": 0, "silentMinutes": 0 })).await.remove(0);
    let first = create(&server, &server.admin, input("NOTHING")).await;
    server.clock.advance(1);
    let new = token.client.with(token.client.rotate().await.unwrap());
    server.clock.advance(1);
    let second = create(&server, &server.admin, input("NOTHING")).await;
    assert_eq!(end(&server, &first).await.1, json!({ "total": 1, "retired": 1 }));
    assert_eq!(progress(&server, &second).await.1, json!({ "total": 1, "left": 1, "waiting": 1 }));
    new.rotate().await.unwrap();
    assert_eq!(end(&server, &second).await.0, "COMPLETED");
}
