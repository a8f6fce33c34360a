//! `notBefore`: a token that works from a given time on.

use rotakey::domain::restriction::CidrBlocks;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::support::clock::MINUTE;
use crate::support::server::Server;

/// A minute after the test begins.
const NOT_BEFORE: &str = "2026-01-01T00:01:00.000Z";

#[tokio::test]
async fn a_token_works_from_its_not_before_on() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "later", "notBefore": NOT_BEFORE })).await.unwrap();
    let later = "NOT_YET_VALID".to_owned();
    let query =
        "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { code token { status notBefore } } }";
    for (offset, works) in [(-1, false), (0, true), (1, true)] {
        server.clock.set(MINUTE + offset);
        let (code, status) = if works { ("VALID", "ACTIVE") } else { ("NOT_YET_VALID", "NOT_YET_VALID") };
        let answer = server.admin.graphql(query, json!({ "input": { "value": token.client.value } })).await;
        let expected = json!({ "code": code, "token": { "status": status, "notBefore": NOT_BEFORE } });
        assert_eq!(answer.body["data"]["verifyAPIToken"], expected, "{offset}");
        assert_eq!(token.client.check().await, if works { Ok(1) } else { Err(later.clone()) }, "{offset}");
        let answer = token.client.rest("GET", "/verify", Value::Null).await;
        assert_eq!(answer.status, if works { 200 } else { 401 }, "{offset}");
        if !works {
            assert_eq!(token.client.rotate().await, Err(later.clone()));
            assert_eq!(server.admin.rotate_id(&token.id).await.err(), Some(later.clone()));
        }
    }
    assert!(token.client.rotate().await.is_ok());
}

#[tokio::test]
async fn a_token_that_would_never_work_is_refused() {
    let server = Server::start().await;
    for (input, good) in [
        (json!({ "expiresAt": NOT_BEFORE }), false),
        (json!({ "expiresAt": "2026-01-01T00:01:00.001Z" }), true),
        (json!({ "rotationPeriodMinutes": 1 }), false),
        (json!({ "rotationPeriodMinutes": 2 }), true),
    ] {
        let mut input = input;
        (input["name"], input["notBefore"]) = (json!("later"), json!(NOT_BEFORE));
        let answer = server.admin.rest("POST", "/api-tokens", input.clone()).await;
        if good {
            assert_eq!(answer.status, 200, "{input}");
        } else {
            assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some("notBefore")), "{input}");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_valid_yet_can_be_suspended_and_revoked() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "later", "notBefore": NOT_BEFORE })).await.unwrap();
    assert_eq!(server.admin.suspend(&token.id).await, Ok("SUSPENDED".into()));
    assert_eq!(server.admin.resume(&token.id).await, Ok("NOT_YET_VALID".into()));
    assert_eq!(server.admin.suspend(&token.id).await, Ok("SUSPENDED".into()));
    server.clock.set(MINUTE);
    assert_eq!(token.client.check().await, Err("TOKEN_SUSPENDED".into()));
    assert_eq!(server.admin.resume(&token.id).await, Ok("ACTIVE".into()));
    assert_eq!(token.client.check().await, Ok(1));
    assert_eq!(server.admin.revoke(&token.id).await, Ok("REVOKED".into()));
}

#[tokio::test]
async fn a_version_without_not_before_cannot_read_a_token_that_has_one() {
    let server = Server::start().await;
    let connection = server.database.connect().await;
    for blocks in [json!([]), json!(["10.0.0.0/8"])] {
        let input = json!({ "name": "later", "notBefore": NOT_BEFORE, "allowedCIDRBlocks": blocks });
        let token = server.admin.create(input).await.unwrap();
        // The version before this one runs on the same database during an upgrade. It does not know `not_before`, and reads the networks
        // of a token like this. If it cannot, the token fails there, as `newer_settings.rs` shows.
        let unreadable = async || {
            let sql = format!("SELECT allowed_cidr_blocks FROM api_token WHERE id = '{}'", token.id);
            let statement = Statement::from_string(connection.get_database_backend(), sql);
            let row = connection.query_one_raw(statement).await.unwrap().unwrap();
            let networks: String = row.try_get_by_index(0).unwrap();
            CidrBlocks::parse(&networks.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).is_err()
        };
        assert!(unreadable().await);
        // What writes the column anew.
        server.admin.update(json!({ "id": token.id, "name": "renamed" })).await.unwrap();
        assert!(unreadable().await);
        server.admin.suspend(&token.id).await.unwrap();
        server.admin.resume(&token.id).await.unwrap();
        assert!(unreadable().await);
    }
    connection.close().await.unwrap();
}
