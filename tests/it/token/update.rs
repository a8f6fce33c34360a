//! `updateAPIToken`: what may be changed, and what may not.

use serde_json::json;

use crate::support::clock::MINUTE;
use crate::support::server::Server;

#[tokio::test]
async fn every_setting_that_may_change_does_and_the_rest_stays() {
    let server = Server::start().await;
    let token =
        server.admin.create(json!({ "name": "n", "description": "d", "owner": "o", "scopes": ["a"] })).await.unwrap();
    server.clock.set(MINUTE);
    let admin_id = server.admin.my_id().await;
    let changed = server
        .admin
        .update(json!({
            "id": token.id, "name": "m", "description": null, "permissions": ["API_TOKEN_READ"], "scopes": ["b", "c"],
            "allowedCIDRBlocks": ["127.0.0.1"], "allowedOrigins": [], "onReuse": "REVOKE", "protected": false
        }))
        .await
        .unwrap();
    assert_eq!(
        changed,
        json!({
            "name": "m", "description": null, "owner": "o", "permissions": ["API_TOKEN_READ"], "scopes": ["b", "c"],
            "allowedCIDRBlocks": ["127.0.0.1/32"], "allowedOrigins": [], "onReuse": "REVOKE", "protected": false,
            "updatedAt": "2026-01-01T00:01:00.000Z", "updatedBy": { "kind": "API_TOKEN", "id": admin_id }
        })
    );
    assert_eq!(token.client.check().await, Ok(1), "the value works on");
    // The same again is no change, so no event and no other time.
    server.clock.set(2 * MINUTE);
    let again = server.admin.update(json!({ "id": token.id, "name": "m" })).await.unwrap();
    assert_eq!(again["updatedAt"], json!("2026-01-01T00:01:00.000Z"));
    let events = server.admin.events(json!({ "tokenId": token.id, "actions": ["API_TOKEN_UPDATED"] })).await;
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn r2_what_is_fixed_at_creation_is_refused_by_name() {
    let server = Server::start().await;
    let id = server.admin.my_id().await;
    for field in [
        "expiresAt: \"2030-01-01T00:00:00Z\"",
        "rotationPeriodMinutes: 5",
        "overlapMinutes: 5",
        "overlapStarts: ROTATION",
        "kind: PUBLIC",
    ] {
        let name = field.split(':').next().unwrap();
        let query = format!("mutation {{ updateAPIToken(input: {{ id: \"{id}\", {field} }}) {{ token {{ id }} }} }}");
        let answer = server.admin.ask(&query).await;
        assert_eq!(answer.code(), Some("GRAPHQL_VALIDATION_FAILED"));
        assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains(name), "{}", answer.body);
    }
}

#[tokio::test]
async fn bad_changes_name_their_field_and_change_nothing() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "web", "kind": "PUBLIC" })).await.unwrap();
    for (field, value) in [
        ("name", json!("")),
        ("owner", json!("two\nlines")),
        ("scopes", json!(["a b"])),
        ("permissions", json!(["API_TOKEN_READ"])),
        ("allowedCIDRBlocks", json!(["10.0.0.1/8"])),
        ("allowedOrigins", json!(["https://example.com/x"])),
    ] {
        let mut input = json!({ "id": token.id });
        input[field] = value;
        let query = "mutation($input: UpdateAPITokenInput!) { updateAPIToken(input: $input) { token { id } } }";
        let answer = server.admin.graphql(query, json!({ "input": input })).await;
        assert_eq!((answer.code(), answer.field()), (Some("BAD_USER_INPUT"), Some(field)), "{}", answer.body);
    }
    let protected = json!({ "id": token.id, "protected": true, "onReuse": "REVOKE" });
    assert_eq!(server.admin.update(protected).await, Err("BAD_USER_INPUT".into()));
    let read = server.admin.update(json!({ "id": token.id })).await.unwrap();
    assert_eq!((read["name"].clone(), read["updatedAt"].clone()), (json!("web"), json!(null)));
}

#[tokio::test]
async fn a_revoked_token_is_not_changed() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    server.admin.revoke(&token.id).await.unwrap();
    assert_eq!(server.admin.update(json!({ "id": token.id, "name": "m" })).await, Err("TOKEN_REVOKED".into()));
}
