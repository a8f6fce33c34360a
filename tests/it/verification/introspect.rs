//! `POST /introspect`: RFC 7662, to the letter. What it judges is in `outcomes`.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::clock::START;
use crate::support::server::Server;
use crate::support::verification::{FORM, Question};

/// 2026-01-01T00:00:00Z.
const NOW: i64 = START / 1_000;

async fn post(client: &Client, body: String) -> Answer {
    let request = client.request("POST", "/introspect").header("Content-Type", FORM).body(body);
    Answer::of(request.send().await.unwrap()).await
}

async fn introspect(server: &Server, holder: &Client) -> Value {
    let answer = Question::of(holder).ask(&server.admin, "/introspect").await;
    assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("application/json")));
    answer.body
}

#[tokio::test]
async fn a_valid_value_is_described_as_rfc_7662_says() {
    let server = Server::start().await;
    let token = server.admin.create(json!({
        "name": "reports", "owner": "acmé", "scopes": ["write", "read"], "permissions": ["API_TOKEN_READ"],
        "expiresAt": "2026-01-02T00:00:00.999Z", "rotationPeriodMinutes": 2_880
    }));
    let token = token.await.unwrap();
    assert_eq!(
        introspect(&server, &token.client).await,
        json!({
            "active": true, "scope": "read write", "client_id": token.id, "sub": "acmé", "token_type": "Bearer",
            "exp": NOW + 86_400, "iat": NOW, "jti": format!("{}.1", token.id),
            "rotakey_name": "reports", "rotakey_kind": "PRIVATE", "rotakey_generation": 1
        })
    );
}

#[tokio::test]
async fn what_there_is_not_is_left_out() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "bare", "kind": "PUBLIC" })).await.unwrap();
    assert_eq!(
        introspect(&server, &token.client).await,
        json!({
            "active": true, "client_id": token.id, "token_type": "Bearer", "iat": NOW, "jti": format!("{}.1", token.id),
            "rotakey_name": "bare", "rotakey_kind": "PUBLIC", "rotakey_generation": 1
        })
    );
}

#[tokio::test]
async fn a_value_is_said_to_live_no_longer_than_it_may() {
    let server = Server::start().await;
    // The overlap ends before the period, and the period before the life.
    let token = server.admin.create(json!({
        "name": "n", "expiresAt": "2026-01-01T02:00:00Z", "rotationPeriodMinutes": 60, "overlapMinutes": 10
    }));
    let old = token.await.unwrap().client;
    let reported = introspect(&server, &old).await;
    assert_eq!((&reported["exp"], &reported["rotakey_retires_at"]), (&json!(NOW + 3_600), &Value::Null));
    server.clock.advance(30 * 60_000 + 999);
    let new = old.with(old.rotate().await.unwrap());
    let reported = introspect(&server, &old).await;
    assert_eq!((&reported["exp"], &reported["rotakey_retires_at"]), (&json!(NOW + 40 * 60), &json!(NOW + 40 * 60)));
    assert_eq!((&reported["iat"], &reported["rotakey_generation"]), (&json!(NOW), &json!(1)));
    let reported = introspect(&server, &new).await;
    assert_eq!((&reported["exp"], &reported["iat"]), (&json!(NOW + 90 * 60), &json!(NOW + 30 * 60)));
    server.clock.advance(60 * 60_000 - 1);
    let last = new.with(new.rotate().await.unwrap());
    assert_eq!(introspect(&server, &last).await["exp"], json!(NOW + 2 * 3_600), "the end of the life wins");
}

#[tokio::test]
async fn an_invalid_value_is_only_said_to_be_inactive() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "scopes": ["read"] })).await.unwrap();
    let lacking = Question { scopes: &["write"], ..Question::of(&token.client) };
    assert_eq!(lacking.ask(&server.admin, "/introspect").await.body, json!({ "active": false }));
    server.admin.revoke(&token.id).await.unwrap();
    assert_eq!(introspect(&server, &token.client).await, json!({ "active": false }));
    assert_eq!(introspect(&server, &server.admin.with("hello")).await, json!({ "active": false }));
}

#[tokio::test]
async fn a_request_that_is_not_as_it_must_be_is_refused_in_the_form_of_oauth() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    for (body, field) in [
        (String::new(), "token"),
        ("token=".into(), "token"),
        (format!("Token={value}"), "token"),
        (format!("token={value}&token={value}"), "token"),
        (format!("token={value}&rotakey_scope="), "rotakey_scope"),
        (format!("token={value}&rotakey_scope=a++b"), "rotakey_scope"),
        (format!("token={value}&rotakey_scope=a&rotakey_scope=b"), "rotakey_scope"),
        (format!("token={value}&rotakey_scope={value}"), "rotakey_scope"),
        (format!("token={value}&rotakey_address=here"), "rotakey_address"),
        (format!("token={value}&rotakey_address="), "rotakey_address"),
    ] {
        let answer = post(&server.admin, body).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!("invalid_request")), "{field}");
        assert_eq!((&answer.body["field"], &answer.body["code"]), (&json!(field), &json!("BAD_USER_INPUT")));
        let said = answer.body["error_description"].as_str().unwrap();
        let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        assert!(said.ends_with('.') && said.bytes().all(allowed), "RFC 6749, section 5.2: {said}");
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    }
    let answer = post(&server.admin, format!("token={value}&token_type_hint=refresh_token&more=1")).await;
    assert_eq!(answer.body["active"], json!(true), "what is not known is left aside");

    for content_type in ["application/json", "multipart/form-data", ""] {
        let request = server.admin.request("POST", "/introspect").header("Content-Type", content_type);
        let answer = Answer::of(request.body(format!("token={value}")).send().await.unwrap()).await;
        assert_eq!((answer.status, &answer.body["error"]), (415, &json!("invalid_request")), "{content_type}");
    }
    let large = post(&server.admin, format!("token={}", "x".repeat(1024 * 1024))).await;
    assert_eq!((large.status, &large.body["error"]), (413, &json!("invalid_request")));
}

#[tokio::test]
async fn a_caller_without_the_permission_gets_an_oauth_error() {
    let server = Server::start().await;
    let stranger = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
    let (bad, none) = (server.admin.with("hello"), server.anonymous());
    for (client, status, error, challenge) in [
        (&none, 401, "invalid_token", r#"Bearer realm="rotakey""#),
        (&bad, 401, "invalid_token", r#"Bearer realm="rotakey", error="invalid_token""#),
        (&stranger, 403, "insufficient_scope", r#"Bearer realm="rotakey", error="insufficient_scope""#),
    ] {
        let answer = Question::of(&server.admin).ask(client, "/introspect").await;
        assert_eq!((answer.status, answer.body["error"].as_str()), (status, Some(error)));
        assert_eq!(answer.header("WWW-Authenticate"), Some(challenge));
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    }
}

#[tokio::test]
async fn r9_the_value_is_never_taken_from_the_address() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    for method in ["GET", "PUT", "DELETE"] {
        let answer = server.admin.rest(method, &format!("/introspect?token={value}"), Value::Null).await;
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST")), "{method}");
        assert_eq!(answer.body["error"], json!("invalid_request"));
    }
    let request = server.admin.request("POST", &format!("/introspect?token={value}")).header("Content-Type", FORM);
    let answer = Answer::of(request.body("").send().await.unwrap()).await;
    assert_eq!((answer.status, &answer.body["field"]), (400, &json!("token")));
}

#[tokio::test]
async fn the_caller_is_warned_of_its_own_previous_value_and_not_of_the_one_it_asks_about() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "permissions": ["API_TOKEN_VERIFY"] })).await.unwrap();
    let old = token.client;
    let new = old.with(old.rotate().await.unwrap());
    let answer = Question::of(&new).ask(&old, "/introspect").await;
    assert_eq!(answer.header("Deprecation"), Some(format!("@{NOW}").as_str()));
    assert_eq!(answer.header("Sunset"), Some("Thu, 01 Jan 2026 00:10:00 GMT"));
    let answer = Question::of(&old).ask(&new, "/introspect").await;
    assert_eq!((answer.header("Deprecation"), answer.header("Sunset")), (None, None));
    let answer = post(&old, String::new()).await;
    assert_eq!((answer.status, answer.header("Deprecation").is_some()), (400, true));
}
