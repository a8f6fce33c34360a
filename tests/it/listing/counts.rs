//! `tokenCounts`: how many tokens there are, by status, kind and owner.

use serde_json::{Value, json};

use crate::support::clock::MINUTE;
use crate::support::deadline::until;
use crate::support::metrics::Scrape;
use crate::support::server::Server;

const COUNTS: &str = "query($owners: Int) { tokenCounts(owners: $owners) { countedAt total byStatus { status count }
    byKind { kind count } byOwner { owner count } ofOtherOwners withoutOwner } }";

async fn counts(server: &Server, owners: Value) -> Value {
    let answer = server.admin.graphql(COUNTS, json!({ "owners": owners })).await;
    assert_eq!(answer.code(), None, "{}", answer.body);
    answer.body["data"]["tokenCounts"].clone()
}

#[tokio::test]
async fn tokens_are_counted_by_status_kind_and_owner_with_the_largest_owners_first() {
    let server = Server::start().await;
    let admin = &server.admin;
    for (owner, count) in [("small", 1), ("large", 3), ("also small", 1), ("middle", 2)] {
        for number in 0..count {
            admin
                .create(json!({ "name": "n", "owner": owner, "kind": if number == 2 { "PUBLIC" } else { "PRIVATE" } }))
                .await
                .unwrap();
        }
    }
    let revoked = admin.create(json!({ "name": "n" })).await.unwrap();
    admin.revoke(&revoked.id).await.unwrap();
    admin.create(json!({ "name": "n", "expiresAt": "2026-01-01T00:01:00Z" })).await.unwrap();
    server.clock.set(3 * MINUTE);
    server.service().await.sweep().await.unwrap();
    let status = |status: &str, count: i32| json!({ "status": status, "count": count });
    let owner = |owner: &str, count: i32| json!({ "owner": owner, "count": count });
    let mut expected = json!({
        "countedAt": "2026-01-01T00:03:00.000Z",
        "total": 10,
        "byStatus": [
            status("ACTIVE", 8), status("SUSPENDED", 0), status("NOT_YET_VALID", 0), status("EXPIRED", 1),
            status("ROTATION_OVERDUE", 0), status("REVOKED", 1),
        ],
        "byKind": [{ "kind": "PRIVATE", "count": 9 }, { "kind": "PUBLIC", "count": 1 }],
        "byOwner": [owner("large", 3), owner("middle", 2), owner("also small", 1), owner("small", 1)],
        "ofOtherOwners": 0,
        "withoutOwner": 3,
    });
    assert_eq!(counts(&server, Value::Null).await, expected);
    let rest = server.admin.rest("GET", "/token-counts", Value::Null).await;
    assert_eq!((rest.status, &rest.body), (200, &expected));
    // A count is kept for a minute, for all callers.
    admin.create(json!({ "name": "later", "owner": "later" })).await.unwrap();
    server.clock.advance(1);
    expected["byOwner"] = json!([owner("large", 3)]);
    expected["ofOtherOwners"] = json!(4);
    assert_eq!(counts(&server, json!(1)).await, expected);
    assert_eq!(server.admin.rest("GET", "/token-counts?owners=1", Value::Null).await.body, expected);
    expected["byOwner"] = json!([]);
    expected["ofOtherOwners"] = json!(7);
    assert_eq!(counts(&server, json!(0)).await, expected);
}

/// The metrics are scraped all the time. The pause after their count must not be one for `tokenCounts`.
#[tokio::test]
async fn tokens_are_counted_although_they_have_just_been_counted_for_the_metrics() {
    let server = Server::start().await;
    until("a count", async || {
        Scrape::of(&server.admin).await.get("rotakey_tokens_counted_timestamp_seconds").is_some()
    })
    .await;
    assert_eq!(counts(&server, Value::Null).await["total"], 1);
}

#[tokio::test]
async fn counting_needs_the_permission_to_read_and_a_number_of_owners_within_its_limit() {
    let server = Server::start().await;
    let plain = server.admin.create(json!({ "name": "plain", "permissions": ["API_TOKEN_MODIFY"] })).await.unwrap();
    assert_eq!(plain.client.graphql(COUNTS, json!({})).await.code(), Some("FORBIDDEN"));
    assert_eq!(plain.client.rest("GET", "/token-counts", Value::Null).await.refusal(), (403, "FORBIDDEN", None));
    assert_eq!(server.anonymous().graphql(COUNTS, json!({})).await.code(), Some("UNAUTHENTICATED"));
    for owners in [-1, 101] {
        let answer = server.admin.graphql(COUNTS, json!({ "owners": owners })).await;
        assert_eq!((answer.code(), answer.field()), (Some("BAD_USER_INPUT"), Some("owners")), "{}", answer.body);
        let answer = server.admin.rest("GET", &format!("/token-counts?owners={owners}"), Value::Null).await;
        assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some("owners")), "{}", answer.body);
    }
    counts(&server, json!(100)).await;
}
