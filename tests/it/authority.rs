//! R11: nobody lifts themselves. Every permission × operation × own or another's token, as one table.

use serde_json::json;

use crate::support::client::{Client, Created};
use crate::support::clock::SECOND;
use crate::support::server::Server;

const OPERATIONS: [&str; 9] =
    ["read", "list", "create", "clone", "rotate", "update", "end overlap", "revoke", "read audit"];

/// Carries out an operation on a token: whether it was allowed.
async fn attempt(client: &Client, operation: &str, target: &Created) -> bool {
    let code = match operation {
        "read" => {
            let query = "query($id: ID!) { apiToken(id: $id) { id } }";
            client.graphql(query, json!({ "id": target.id })).await.code().map(str::to_owned)
        }
        "list" => client.ask("{ apiTokens { edges { cursor } } }").await.code().map(str::to_owned),
        "create" => client.create(json!({ "name": "child" })).await.err(),
        "clone" => client.create(json!({ "name": "child", "cloneSettingsFrom": target.id })).await.err(),
        "rotate" => client.rotate_with(json!({ "id": target.id })).await.err(),
        "update" => client.update(json!({ "id": target.id, "name": "renamed" })).await.err(),
        "end overlap" => client.end_overlap(&target.id).await.err(),
        "revoke" => client.revoke(&target.id).await.err(),
        "read audit" => client.ask("{ auditEvents { edges { cursor } } }").await.code().map(str::to_owned),
        other => panic!("{other}"),
    };
    assert!(code.as_deref().is_none_or(|code| code == "FORBIDDEN"), "{operation}: {code:?}");
    code.is_none()
}

#[tokio::test]
async fn r11_every_permission_by_operation_by_own_and_other() {
    // Which permission allows what; a private token may read, rotate, cut short and revoke itself without any.
    let allowed = |permission: Option<&str>, operation: &str, own: bool| match operation {
        "read" => own || permission == Some("API_TOKEN_READ"),
        "list" => permission == Some("API_TOKEN_READ"),
        "create" | "update" => permission == Some("API_TOKEN_MODIFY"),
        // Another's settings must be readable to be cloned, and one permission here is not two.
        "clone" => own && permission == Some("API_TOKEN_MODIFY"),
        "rotate" | "end overlap" | "revoke" => own || permission == Some("API_TOKEN_MODIFY"),
        "read audit" => permission == Some("AUDIT_LOG_READ"),
        other => panic!("{other}"),
    };
    let server = Server::start().await;
    let permissions =
        [None, Some("API_TOKEN_READ"), Some("API_TOKEN_MODIFY"), Some("API_TOKEN_VERIFY"), Some("AUDIT_LOG_READ")];
    for permission in permissions {
        for operation in OPERATIONS {
            for own in [true, false] {
                let permissions: Vec<&str> = permission.into_iter().collect();
                let caller =
                    server.admin.create(json!({ "name": "caller", "permissions": permissions })).await.unwrap();
                let other = server.admin.create(json!({ "name": "other" })).await.unwrap();
                let target = if own { &caller } else { &other };
                let expected = allowed(permission, operation, own);
                assert_eq!(
                    attempt(&caller.client, operation, target).await,
                    expected,
                    "{permission:?} {operation} own: {own}"
                );
            }
        }
    }
}

#[tokio::test]
async fn r11_nobody_touches_what_holds_more_than_they_do() {
    let server = Server::start().await;
    let permissions = json!(["API_TOKEN_READ", "API_TOKEN_MODIFY"]);
    let deputy =
        server.admin.create(json!({ "name": "deputy", "permissions": permissions, "scopes": ["read"] })).await.unwrap();
    for (held, may) in [
        (json!({ "scopes": ["read"] }), true),
        (json!({ "permissions": ["API_TOKEN_READ"], "scopes": [] }), true),
        (json!({ "scopes": ["write"] }), false),
        (json!({ "scopes": ["*"] }), false),
        (json!({ "permissions": ["AUDIT_LOG_READ"] }), false),
    ] {
        let mut input = held.clone();
        input["name"] = json!("target");
        let target = server.admin.create(input).await.unwrap();
        for operation in ["clone", "rotate", "update"] {
            server.clock.advance(10 * SECOND);
            assert_eq!(attempt(&deputy.client, operation, &target).await, may, "{held} {operation}");
        }
        // To end is not to learn.
        assert!(attempt(&deputy.client, "revoke", &target).await);
    }
}

#[tokio::test]
async fn r11_nobody_widens_themselves_or_another() {
    let server = Server::start().await;
    let input = json!({ "name": "deputy", "permissions": ["API_TOKEN_MODIFY"], "scopes": ["read"] });
    let deputy = server.admin.create(input).await.unwrap();
    let child = deputy.client.create(json!({ "name": "child", "scopes": ["read"] })).await.unwrap();
    for id in [&deputy.id, &child.id] {
        for lift in [
            json!({ "scopes": ["read", "write"] }),
            json!({ "permissions": ["API_TOKEN_READ"] }),
            json!({ "scopes": ["*"] }),
        ] {
            let mut input = lift.clone();
            input["id"] = json!(id);
            assert_eq!(deputy.client.update(input).await, Err("FORBIDDEN".into()), "{lift}");
        }
    }
    assert!(deputy.client.update(json!({ "id": child.id, "scopes": [] })).await.is_ok());
    assert!(deputy.client.update(json!({ "id": deputy.id, "scopes": [] })).await.is_ok(), "less is always allowed");
}

#[tokio::test]
async fn r11_a_protected_token_is_revoked_only_after_it_was_unprotected() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "root", "protected": true })).await.unwrap();
    for client in [&server.admin, &token.client] {
        assert_eq!(client.revoke(&token.id).await, Err("TOKEN_PROTECTED".into()));
    }
    assert_eq!(token.client.check().await, Ok(1));
    server.admin.update(json!({ "id": token.id, "protected": false })).await.unwrap();
    assert_eq!(token.client.revoke(&token.id).await, Ok("REVOKED".into()));
}

#[tokio::test]
async fn a_clone_has_the_settings_and_neither_value_name_nor_expiry_of_the_original() {
    let server = Server::start().await;
    let input = json!({
        "name": "original", "owner": "acme", "scopes": ["a", "b"], "expiresAt": "2026-02-01T00:00:00Z",
        "rotationPeriodMinutes": 60, "overlapMinutes": 20, "overlapStarts": "FIRST_USE", "onReuse": "REVOKE",
        "allowedCIDRBlocks": ["127.0.0.0/8"]
    });
    let original = server.admin.create(input).await.unwrap();
    let copy = server
        .admin
        .create(json!({ "name": "copy", "cloneSettingsFrom": original.id, "scopes": ["a"], "owner": null }))
        .await
        .unwrap();
    assert_ne!(copy.client.value, original.client.value);
    let query = "query($id: ID!) { apiToken(id: $id) { name owner scopes expiresAt rotationPeriodMinutes overlapMinutes
        overlapStarts onReuse allowedCIDRBlocks generation } }";
    let read = server.admin.graphql(query, json!({ "id": copy.id })).await;
    assert_eq!(
        read.body["data"]["apiToken"],
        json!({
            "name": "copy", "owner": null, "scopes": ["a"], "expiresAt": null, "rotationPeriodMinutes": 60,
            "overlapMinutes": 20, "overlapStarts": "FIRST_USE", "onReuse": "REVOKE",
            "allowedCIDRBlocks": ["127.0.0.0/8"], "generation": 1
        })
    );
    for id in ["tok_00000000000000000000000000", "nonsense"] {
        let query =
            "mutation($id: ID) { createAPIToken(input: { name: \"x\", cloneSettingsFrom: $id }) { token { id } } }";
        let answer = server.admin.graphql(query, json!({ "id": id })).await;
        assert_eq!((answer.code(), answer.field()), (Some("NOT_FOUND"), Some("cloneSettingsFrom")));
    }
}
