//! `suspendAPIToken` and `resumeAPIToken`.

use rotakey::domain::restriction::CidrBlocks;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::clock::MINUTE;
use crate::support::server::Server;

const SUSPENDED: &str = "TOKEN_SUSPENDED";

async fn verified(server: &Server, client: &Client) -> Value {
    let query = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { code token { status } } }";
    let answer = server.admin.graphql(query, json!({ "input": { "value": client.value } })).await;
    answer.body["data"]["verifyAPIToken"].clone()
}

async fn suspended_at(server: &Server, id: &str) -> Value {
    let answer =
        server.admin.graphql("query($id: ID!) { apiToken(id: $id) { suspendedAt } }", json!({ "id": id })).await;
    answer.body["data"]["apiToken"]["suspendedAt"].clone()
}

#[tokio::test]
async fn r10_no_value_of_a_suspended_token_works_until_it_is_resumed() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "paused" })).await.unwrap();
    let rotated = token.client.with(token.client.rotate().await.unwrap());
    // Twice, as it can be done again.
    for _ in 0..2 {
        assert_eq!(server.admin.suspend(&token.id).await, Ok("SUSPENDED".into()));
        for client in [&token.client, &rotated] {
            assert_eq!(client.check().await, Err(SUSPENDED.into()));
            assert_eq!(client.rotate().await, Err(SUSPENDED.into()));
            let expected = json!({ "code": SUSPENDED, "token": { "status": "SUSPENDED" } });
            assert_eq!(verified(&server, client).await, expected);
            let answer = client.rest("GET", "/verify", Value::Null).await;
            assert_eq!((answer.status, answer.header("X-Token-Code")), (401, Some(SUSPENDED)));
        }
        assert_eq!(server.admin.rotate_id(&token.id).await.err(), Some(SUSPENDED.into()));
        assert_eq!(server.admin.resume(&token.id).await, Ok("ACTIVE".into()));
        for client in [&token.client, &rotated] {
            assert_eq!(client.check().await, Ok(2));
        }
    }
    assert!(rotated.rotate().await.is_ok());
}

#[tokio::test]
async fn r8_the_reuse_of_a_retired_value_of_a_suspended_token_is_noticed() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "paused", "overlapMinutes": 0 })).await.unwrap();
    let rotated = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(server.admin.suspend(&token.id).await, Ok("SUSPENDED".into()));
    assert_eq!(token.client.check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(rotated.check().await, Err(SUSPENDED.into()));
    let reused = json!({ "tokenId": token.id, "actions": ["API_TOKEN_VALUE_REUSED"] });
    assert_eq!(server.admin.events(reused).await.len(), 1);
}

#[tokio::test]
async fn suspending_and_resuming_twice_changes_nothing() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "paused" })).await.unwrap();
    assert_eq!(server.admin.resume(&token.id).await, Ok("ACTIVE".into()));
    server.clock.advance(1);
    assert_eq!(server.admin.suspend(&token.id).await, Ok("SUSPENDED".into()));
    let first = suspended_at(&server, &token.id).await;
    assert!(first.is_string());
    server.clock.advance(1);
    assert_eq!(server.admin.suspend(&token.id).await, Ok("SUSPENDED".into()));
    assert_eq!(suspended_at(&server, &token.id).await, first);
    for _ in 0..2 {
        server.clock.advance(1);
        assert_eq!(server.admin.resume(&token.id).await, Ok("ACTIVE".into()));
    }
    assert_eq!(suspended_at(&server, &token.id).await, Value::Null);
    let events = server.admin.events(json!({ "tokenId": token.id })).await;
    let actions: Vec<&str> = events.iter().map(|(action, ..)| action.as_str()).collect();
    assert_eq!(actions, ["API_TOKEN_CREATED", "API_TOKEN_SUSPENDED", "API_TOKEN_RESUMED"]);
}

#[tokio::test]
async fn r2_r3_the_deadlines_of_a_suspended_token_go_on() {
    let server = Server::start().await;
    let mut start = 0;
    for (input, code, status) in [
        (json!({ "name": "n", "rotationPeriodMinutes": 1 }), "ROTATION_OVERDUE", "ROTATION_OVERDUE"),
        (json!({ "name": "n", "expiresAt": "2026-01-01T00:03:00Z" }), "TOKEN_EXPIRED", "EXPIRED"),
    ] {
        let token = server.admin.create(input).await.unwrap();
        server.admin.suspend(&token.id).await.unwrap();
        for (offset, code, status) in [(-1, SUSPENDED, "SUSPENDED"), (0, code, status), (1, code, status)] {
            server.clock.set(start + MINUTE + offset);
            assert_eq!(token.client.check().await, Err(code.into()));
            assert_eq!(verified(&server, &token.client).await["token"]["status"], status);
        }
        assert_eq!(server.admin.suspend(&token.id).await, Err(code.into()));
        // One that is overdue may be revived, and then works.
        assert_eq!(server.admin.resume(&token.id).await.is_ok(), code == "ROTATION_OVERDUE");
        assert!(token.client.check().await.is_err());
        start += 2 * MINUTE;
        server.clock.set(start);
    }
}

#[tokio::test]
async fn a_suspended_token_can_be_read_updated_and_revoked() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "paused", "overlapMinutes": 10 })).await.unwrap();
    token.client.rotate().await.unwrap();
    server.admin.suspend(&token.id).await.unwrap();
    let restricted = json!({ "id": token.id, "name": "renamed", "allowedCIDRBlocks": ["127.0.0.0/8"] });
    let updated = server.admin.update(restricted).await.unwrap();
    assert_eq!((&updated["name"], &updated["allowedCIDRBlocks"]), (&json!("renamed"), &json!(["127.0.0.0/8"])));
    assert_eq!(token.client.check().await, Err(SUSPENDED.into()), "an update is no end of a suspension");
    assert_eq!(server.admin.end_overlap(&token.id).await, Ok(1));
    assert_eq!(server.admin.revoke(&token.id).await, Ok("REVOKED".into()));
    assert_eq!(token.client.check().await, Err("TOKEN_REVOKED".into()));
    assert_eq!(server.admin.resume(&token.id).await, Err("TOKEN_REVOKED".into()));
    assert_eq!(server.admin.suspend(&token.id).await, Err("TOKEN_REVOKED".into()));
}

#[tokio::test]
async fn r11_to_suspend_takes_every_permission_and_to_resume_everything_that_the_token_holds() {
    let server = Server::start().await;
    let create = async |permissions: Value, scopes: Value| {
        let input = json!({ "name": "n", "permissions": permissions, "scopes": scopes });
        server.admin.create(input).await.unwrap()
    };
    let token = create(json!(["API_TOKEN_READ"]), json!(["read"])).await;
    let forbidden = || Err("FORBIDDEN".to_owned());
    let (suspended, active) = (|| Ok("SUSPENDED".to_owned()), || Ok("ACTIVE".to_owned()));
    let modify = "API_TOKEN_MODIFY";
    for (permissions, scopes, suspends, resumes) in [
        (json!([]), json!(["*"]), false, false),
        (json!(["API_TOKEN_READ"]), json!(["*"]), false, false),
        (json!([modify]), json!(["*"]), false, false),
        (json!([modify, "API_TOKEN_READ"]), json!([]), true, false),
        (json!([modify, "API_TOKEN_READ"]), json!(["write"]), true, false),
        (json!([modify, "API_TOKEN_READ"]), json!(["read"]), true, true),
    ] {
        let caller = create(permissions.clone(), scopes.clone()).await.client;
        let what = format!("{permissions} {scopes}");
        assert_eq!(caller.suspend(&token.id).await, if suspends { suspended() } else { forbidden() }, "{what}");
        assert_eq!(server.admin.suspend(&token.id).await, suspended(), "{what}");
        assert_eq!(caller.resume(&token.id).await, if resumes { active() } else { forbidden() }, "{what}");
        assert_eq!(server.admin.resume(&token.id).await, active(), "{what}");
    }
}

#[tokio::test]
async fn r11_a_caller_with_bounds_resumes_no_token_with_permissions_beyond_them() {
    let server = Server::start().await;
    let permissions = json!(["API_TOKEN_MODIFY", "API_TOKEN_READ"]);
    let bounded =
        json!({ "name": "b", "permissions": permissions, "scopes": ["*"], "allowedCIDRBlocks": ["127.0.0.0/8"] });
    let bounded = server.admin.create(bounded).await.unwrap().client;
    for (target, resumed) in [
        (json!({ "name": "n", "permissions": ["API_TOKEN_READ"] }), Err("FORBIDDEN".to_owned())),
        (
            json!({ "name": "n", "permissions": ["API_TOKEN_READ"], "allowedCIDRBlocks": ["127.0.0.1/32"] }),
            Ok("ACTIVE".to_owned()),
        ),
        (json!({ "name": "n", "scopes": ["read"] }), Ok("ACTIVE".to_owned())),
    ] {
        let token = server.admin.create(target.clone()).await.unwrap();
        assert_eq!(bounded.suspend(&token.id).await, Ok("SUSPENDED".into()), "{target}");
        assert_eq!(bounded.resume(&token.id).await, resumed, "{target}");
    }
}

#[tokio::test]
async fn r11_a_token_may_suspend_itself_and_cannot_resume_itself() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "permissions": ["API_TOKEN_MODIFY"] })).await.unwrap();
    assert_eq!(token.client.suspend(&token.id).await, Ok("SUSPENDED".into()));
    assert_eq!(token.client.resume(&token.id).await, Err(SUSPENDED.into()));
    assert_eq!(server.admin.resume(&token.id).await, Ok("ACTIVE".into()));
    // Nothing more in the document with which it suspends itself.
    let query = "mutation($id: ID!) {
        suspendAPIToken(input: { id: $id }) { token { status } }
        resumeAPIToken(input: { id: $id }) { token { status } } }";
    let answer = token.client.graphql(query, json!({ "id": token.id })).await;
    assert_eq!(answer.code(), Some(SUSPENDED));
}

#[tokio::test]
async fn r11_a_protected_token_is_suspended_only_after_it_was_unprotected() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "root", "protected": true })).await.unwrap();
    for client in [&server.admin, &token.client] {
        assert_eq!(client.suspend(&token.id).await, Err("TOKEN_PROTECTED".into()));
    }
    server.admin.update(json!({ "id": token.id, "protected": false })).await.unwrap();
    assert_eq!(server.admin.suspend(&token.id).await, Ok("SUSPENDED".into()));
    // Protected while it is suspended, it can be resumed.
    server.admin.update(json!({ "id": token.id, "protected": true })).await.unwrap();
    assert_eq!(server.admin.resume(&token.id).await, Ok("ACTIVE".into()));
}

#[tokio::test]
async fn a_token_is_suspended_and_resumed_over_rest() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "paused" })).await.unwrap();
    let path = |operation: &str| format!("/api-tokens/{}/{operation}", token.id);
    for body in [Value::Null, json!({})] {
        let answer = server.admin.rest("POST", &path("suspend"), body.clone()).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("SUSPENDED")));
        assert!(answer.body["suspendedAt"].is_string());
        let refused = token.client.rest("GET", "/api-tokens/self", Value::Null).await;
        assert_eq!(refused.refusal(), (401, SUSPENDED, None));
        let answer = server.admin.rest("POST", &path("resume"), body).await;
        let expected = (200, &json!("ACTIVE"), &Value::Null);
        assert_eq!((answer.status, &answer.body["status"], &answer.body["suspendedAt"]), expected);
    }
    let answer = token.client.rest("POST", "/api-tokens/self/suspend", Value::Null).await;
    assert_eq!(answer.body["status"], json!("SUSPENDED"));
}

#[tokio::test]
async fn a_version_without_suspension_cannot_read_a_suspended_token() {
    let server = Server::start().await;
    let connection = server.database.connect().await;
    for blocks in [json!([]), json!(["10.0.0.0/8", "::1/128"])] {
        let token = server.admin.create(json!({ "name": "n", "allowedCIDRBlocks": blocks })).await.unwrap();
        let sql = format!("SELECT allowed_cidr_blocks FROM api_token WHERE id = '{}'", token.id);
        let networks = async || {
            let statement = Statement::from_string(connection.get_database_backend(), sql.clone());
            let row = connection.query_one_raw(statement).await.unwrap().unwrap();
            row.try_get_by_index::<String>(0).unwrap()
        };
        // The version before this one runs on the same database during an upgrade. It does not know `suspended_at`, and reads the
        // networks of a token like this. If it cannot, the token fails there, as `newer_settings.rs` shows.
        let older_version_reads = |networks: &str| {
            let words: Vec<String> = networks.split_whitespace().map(str::to_owned).collect();
            CidrBlocks::parse(&words).is_ok()
        };
        let before = networks().await;
        assert!(older_version_reads(&before));
        server.admin.suspend(&token.id).await.unwrap();
        assert!(!older_version_reads(&networks().await));
        // A change of settings writes the column anew.
        server.admin.update(json!({ "id": token.id, "name": "m", "onReuse": "REVOKE" })).await.unwrap();
        assert!(!older_version_reads(&networks().await));
        server.admin.resume(&token.id).await.unwrap();
        assert_eq!(networks().await, before, "and nothing of it is left");
    }
    connection.close().await.unwrap();
}
