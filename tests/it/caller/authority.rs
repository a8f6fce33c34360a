//! R11: no caller lifts itself. Every permission × operation × own or another's token, as one table.

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};

use crate::support::client::{Client, Created};
use crate::support::clock::SECOND;
use crate::support::database::TestDatabase;
use crate::support::server::Server;

const OPERATIONS: [&str; 11] =
    ["read", "list", "create", "clone", "rotate", "update", "end overlap", "suspend", "resume", "revoke", "read audit"];

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
        "suspend" => client.suspend(&target.id).await.err(),
        "resume" => client.resume(&target.id).await.err(),
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
        "create" | "update" | "resume" => permission == Some("API_TOKEN_MODIFY"),
        // Another's settings must be readable to be cloned, and one permission here is not two.
        "clone" => own && permission == Some("API_TOKEN_MODIFY"),
        "rotate" | "end overlap" | "suspend" | "revoke" => own || permission == Some("API_TOKEN_MODIFY"),
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
async fn r11_a_caller_cannot_change_a_token_that_holds_more() {
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
        // To end is not to learn, so the scopes of the target do not matter, but its permissions do.
        let cut_off = held["permissions"] != json!(["AUDIT_LOG_READ"]);
        for operation in ["end overlap", "revoke"] {
            assert_eq!(attempt(&deputy.client, operation, &target).await, cut_off, "{held} {operation}");
        }
    }
}

#[tokio::test]
async fn r11_a_caller_cannot_widen_itself_or_another() {
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

/// A token that may modify others from this network, for one more minute, and its settings.
async fn bounded(server: &Server) -> Created {
    let input = json!({
        "name": "bounded", "permissions": ["API_TOKEN_MODIFY", "API_TOKEN_READ"], "scopes": ["read"],
        "expiresAt": "2026-01-01T00:01:00Z", "allowedCIDRBlocks": ["127.0.0.0/8"], "onReuse": "REVOKE"
    });
    server.admin.create(input).await.unwrap()
}

#[tokio::test]
async fn r11_a_permission_is_handed_on_within_the_bounds_of_its_holder() {
    let server = Server::start().await;
    let caller = bounded(&server).await;
    let child = |lift: Value| {
        let mut input = json!({
            "name": "child", "permissions": ["API_TOKEN_READ"], "expiresAt": "2026-01-01T00:01:00Z",
            "allowedCIDRBlocks": ["127.0.0.1"]
        });
        input.as_object_mut().unwrap().extend(lift.as_object().unwrap().clone());
        input
    };
    let lifts = [
        json!({ "expiresAt": null }),
        json!({ "expiresAt": "2026-01-01T00:01:00.001Z" }),
        json!({ "allowedCIDRBlocks": [] }),
        json!({ "allowedCIDRBlocks": ["127.0.0.1", "10.0.0.0/8"] }),
    ];
    assert!(caller.client.create(child(json!({}))).await.is_ok());
    for lift in &lifts {
        assert_eq!(caller.client.create(child(lift.clone())).await.err(), Some("FORBIDDEN".into()), "{lift}");
        let rest = caller.client.rest("POST", "/api-tokens", child(lift.clone())).await;
        assert_eq!(rest.refusal(), (403, "FORBIDDEN", None), "{lift}");
        // Nor by taking over a token that another caller made so.
        let theirs = server.admin.create(child(lift.clone())).await.unwrap();
        assert_eq!(caller.client.rotate_id(&theirs.id).await.err(), Some("FORBIDDEN".into()), "{lift}");
        // A token with scopes alone may lie anywhere.
        let mut scoped = child(lift.clone());
        scoped["permissions"] = json!([]);
        scoped["scopes"] = json!(["read"]);
        let scoped = caller.client.create(scoped).await.unwrap();
        assert!(caller.client.rotate_id(&scoped.id).await.is_ok(), "{lift}");
        // But gets no permission there.
        let promoted = json!({ "id": scoped.id, "permissions": ["API_TOKEN_READ"] });
        assert_eq!(caller.client.update(promoted).await, Err("FORBIDDEN".into()), "{lift}");
    }
    let original = server.admin.create(child(json!({ "allowedCIDRBlocks": [] }))).await.unwrap();
    let clone = json!({ "name": "clone", "cloneSettingsFrom": original.id, "expiresAt": "2026-01-01T00:01:00Z" });
    assert_eq!(caller.client.create(clone).await.err(), Some("FORBIDDEN".into()));
    let child = caller.client.create(child(json!({}))).await.unwrap();
    for blocks in [json!([]), json!(["10.0.0.0/8"])] {
        let widened = json!({ "id": child.id, "allowedCIDRBlocks": blocks });
        assert_eq!(caller.client.update(widened).await, Err("FORBIDDEN".into()), "{blocks}");
    }
    let renamed = json!({ "id": original.id, "name": "renamed" });
    assert!(caller.client.update(renamed).await.is_ok(), "no permission is handed on by that");
}

#[tokio::test]
async fn r11_a_caller_cannot_remove_its_own_restrictions() {
    let server = Server::start().await;
    let caller = bounded(&server).await;
    for lift in [
        json!({ "allowedCIDRBlocks": [] }),
        json!({ "allowedCIDRBlocks": ["127.0.0.0/8", "10.0.0.0/8"] }),
        json!({ "onReuse": "ALERT" }),
        json!({ "onReuse": "ALERT", "permissions": [] }),
    ] {
        let mut input = lift.clone();
        input["id"] = json!(caller.id);
        assert_eq!(caller.client.update(input).await, Err("FORBIDDEN".into()), "{lift}");
        let path = format!("/api-tokens/{}", caller.id);
        assert_eq!(caller.client.rest("POST", &path, lift.clone()).await.refusal().0, 403, "{lift}");
    }
    let narrowed = json!({ "id": caller.id, "allowedCIDRBlocks": ["127.0.0.1"], "onReuse": "REVOKE" });
    assert!(caller.client.update(narrowed).await.is_ok());
}

#[tokio::test]
async fn the_first_token_and_one_made_by_the_operator_are_protected() {
    let server = Server::start().await;
    let operators = server.service().await.bootstrap().await.unwrap();
    let operators = server.anonymous().with(operators.value.expose());
    for client in [&server.admin, &operators] {
        let id = client.my_id().await;
        assert_eq!(client.revoke(&id).await, Err("TOKEN_PROTECTED".into()));
    }
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
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_another_token_is_not_even_looked_up_without_the_permission_to_change_it() {
    let server = Server::start_on(TestDatabase::postgres().await).await;
    let caller = server.admin.create(json!({ "name": "caller" })).await.unwrap();
    let target = server.admin.create(json!({ "name": "target" })).await.unwrap();
    // A lookup for a change waits for this lock.
    let connection = server.database.connect().await;
    let lock = connection.begin().await.unwrap();
    lock.execute_unprepared(&format!("SELECT FROM api_token WHERE id = '{}' FOR UPDATE", target.id)).await.unwrap();
    let denied = async {
        assert_eq!(caller.client.revoke(&target.id).await, Err("FORBIDDEN".into()));
        assert_eq!(caller.client.end_overlap(&target.id).await, Err("FORBIDDEN".into()));
        assert_eq!(caller.client.rotate_id(&target.id).await.err(), Some("FORBIDDEN".into()));
        assert_eq!(caller.client.update(json!({ "id": target.id, "name": "x" })).await, Err("FORBIDDEN".into()));
    };
    // Less than the five seconds after which the wait for the lock ends.
    tokio::time::timeout(Duration::from_secs(4), denied).await.unwrap();
    lock.rollback().await.unwrap();
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
