//! `/verify`: what a gateway gets, and that its client cannot forge it. What it judges is in `outcomes`.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::clock::MINUTE;
use crate::support::server::Server;
use crate::support::verification::Question;

const TOKEN_HEADERS: [&str; 4] = ["X-Token-Id", "X-Token-Owner", "X-Token-Scopes", "X-Token-Generation"];

async fn get(client: &Client, path: &str) -> Answer {
    Answer::of(client.request("GET", path).send().await.unwrap()).await
}

#[tokio::test]
async fn a_good_value_is_let_through_with_whose_it_is() {
    let server = Server::start().await;
    let input = json!({ "name": "n", "owner": "acme", "scopes": ["write", "read:all"] });
    let token = server.admin.create(input).await.unwrap();
    let answer = get(&token.client, "/verify?scope=write").await;
    assert_eq!((answer.status, &answer.body), (200, &json!("")));
    let reported = TOKEN_HEADERS.map(|name| answer.header(name).unwrap());
    assert_eq!(reported, [token.id.as_str(), "acme", "read:all write", "1"]);
    assert_eq!((answer.header("Deprecation"), answer.header("X-Token-Code")), (None, None));
    let new = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(get(&new, "/verify").await.header("X-Token-Generation"), Some("2"));
}

#[tokio::test]
async fn missing_facts_are_empty_headers_that_overwrite_what_the_client_sent() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let answer = get(&token.client, "/verify").await;
    assert_eq!(TOKEN_HEADERS.map(|name| answer.header(name).unwrap()), [token.id.as_str(), "", "", "1"]);
}

#[tokio::test]
async fn an_owner_of_any_characters_is_encoded_and_cannot_inject_a_header() {
    let server = Server::start().await;
    for (owner, reported) in [
        ("user@example.com", "user@example.com"),
        ("https://id.example.com/u/7?x=1&y=2#z", "https://id.example.com/u/7?x=1&y=2#z"),
        ("Acme Ünited", "Acme%20%C3%9Cnited"),
        ("100%25", "100%2525"),
        ("a,b;c\"d\\e", "a%2Cb%3Bc%22d%5Ce"),
        ("\u{feff}x\u{2003}y", "%EF%BB%BFx%E2%80%83y"),
        ("日本", "%E6%97%A5%E6%9C%AC"),
    ] {
        let token = server.admin.create(json!({ "name": "n", "owner": owner })).await.unwrap();
        let answer = get(&token.client, "/verify").await;
        assert_eq!(answer.header("X-Token-Owner"), Some(reported));
        assert_eq!(percent_encoding::percent_decode_str(reported).decode_utf8().unwrap(), owner);
    }
    // The rules do not let such an owner come to be in the first place.
    let refused = server.admin.create(json!({ "name": "n", "owner": "a\r\nX-Token-Id: tok_0" })).await;
    assert_eq!(refused.err(), Some("BAD_USER_INPUT".to_owned()));
}

#[tokio::test]
async fn a_refusal_says_why_in_the_status_the_challenge_a_header_and_the_body() {
    let server = Server::start().await;
    let more = json!({ "name": "n", "scopes": ["read"], "allowedCIDRBlocks": ["10.0.0.0/8"] });
    let token = server.admin.create(more).await.unwrap();
    let (bad, none) = (server.admin.with("hello"), server.anonymous());
    let at = |address| Question { address: Some(address), ..Question::of(&token.client) };
    let lacking = Question { scopes: &["write", "read", "*"], ..at("10.0.0.1") };
    for (answer, status, code, challenge) in [
        (get(&none, "/verify").await, 401, "UNAUTHENTICATED", Some(r#"Bearer realm="rotakey""#)),
        (get(&bad, "/verify").await, 401, "UNAUTHENTICATED", Some(r#"Bearer realm="rotakey", error="invalid_token""#)),
        (
            lacking.ask(&none, "/verify").await,
            403,
            "SCOPE_MISSING",
            Some(r#"Bearer realm="rotakey", error="insufficient_scope", scope="write read *""#),
        ),
        (at("11.0.0.1").ask(&none, "/verify").await, 403, "ADDRESS_REFUSED", None),
    ] {
        assert_eq!(answer.refusal(), (status, code, None));
        assert_eq!((answer.header("X-Token-Code"), answer.header("WWW-Authenticate")), (Some(code), challenge));
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        assert!(TOKEN_HEADERS.iter().all(|name| answer.header(name).is_none()), "{code}");
    }
    assert_eq!(lacking.ask(&none, "/verify").await.body["missingScopes"], json!(["write", "*"]));
}

#[tokio::test]
async fn the_holder_of_the_previous_value_is_warned_also_when_it_lacks_a_scope() {
    let server = Server::start().await;
    let old = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
    server.clock.set(MINUTE);
    let new = old.with(old.rotate().await.unwrap());
    for (path, status) in [("/verify", 200), ("/verify?scope=read", 403), ("/verify/orders", 200)] {
        let answer = get(&old, path).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("Deprecation"), Some("@1767225660"), "{path}");
        assert_eq!(answer.header("Sunset"), Some("Thu, 01 Jan 2026 00:11:00 GMT"), "{path}");
        assert_eq!(get(&new, path).await.header("Deprecation"), None, "{path}");
    }
}

#[tokio::test]
async fn scopes_come_in_one_parameter_or_several_and_unclear_queries_are_refused() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "scopes": ["a", "b", "c+d"] })).await.unwrap();
    let many = (0..101).map(|number| format!("scope={number}")).collect::<Vec<_>>().join("&");
    for (query, status) in [
        ("", 200),
        ("?", 200),
        ("?scope=a", 200),
        ("?scope=a+b", 200),
        ("?scope=a%20b", 200),
        ("?scope=a&scope=b", 200),
        ("?scope=a&scope=z", 403),
        ("?scope=z&scope=a", 403),
        ("?scope=a+z", 403),
        ("?scope=c%2Bd", 200),
        ("?scope=*", 403),
        ("?scope=", 400),
        ("?scope", 400),
        ("?scope=a+", 400),
        ("?scope=a++b", 400),
        ("?scope=a,%22b%22", 400),
        ("?scope=%C3%A9", 400),
        ("?scopes=a", 400),
        ("?Scope=a", 400),
        ("?scope=a&x=1", 400),
        (&format!("?{many}"), 400),
    ] {
        let answer = get(&token.client, &format!("/verify{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert_eq!(answer.header("X-Token-Id").is_some(), status == 200, "{query}");
    }
}

#[tokio::test]
async fn nothing_that_a_gateway_appends_to_the_path_is_read() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let value = token.client.value.clone().unwrap();
    for path in ["/verify/", "/verify/orders/7", "/verify//", "/verify/verify?scope=admin&x=1", "/verify/%FF%00?%FF"] {
        assert_eq!(get(&token.client, path).await.status, 200, "{path}");
        assert_eq!(get(&server.anonymous(), path).await.status, 401, "{path}");
    }
    for path in [
        format!("/verify/?access_token={value}"),
        format!("/verify/orders?token={value}&x-api-key={value}"),
        format!("/verify/{value}"),
    ] {
        let answer = get(&server.anonymous(), &path).await;
        assert_eq!(answer.refusal(), (401, "UNAUTHENTICATED", None));
        assert!(!format!("{answer:?}").contains(&value));
    }
}

#[tokio::test]
async fn every_method_is_answered_and_no_body_is_read() {
    let server = Server::start().await;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        for path in ["/verify", "/verify/orders"] {
            let good = server.admin.rest(method, path, Value::Null).await;
            assert_eq!((good.status, good.header("X-Token-Scopes")), (200, Some("*")), "{method} {path}");
            assert_eq!(server.anonymous().rest(method, path, Value::Null).await.status, 401, "{method} {path}");
        }
    }
    let body = "{".repeat(64 * 1024);
    let request = server.admin.request("POST", "/verify").header("Content-Type", "application/json").body(body);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn two_different_values_and_two_different_clients_are_a_400() {
    let server = Server::start().await;
    let other = server.admin.create(json!({ "name": "n" })).await.unwrap().client.value.unwrap();
    let request = server.admin.request("GET", "/verify").header("Authorization", format!("Bearer {other}"));
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", None));
    let request = server.admin.request("GET", "/verify").header("X-Forwarded-For", "10.0.0.1");
    let answer = Answer::of(request.header("Forwarded", "for=10.0.0.2").send().await.unwrap()).await;
    assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", None));
    assert_eq!(answer.header("X-Token-Code"), Some("BAD_USER_INPUT"));
}

#[tokio::test]
async fn r16_in_the_last_tenth_of_its_period_the_answer_says_when_the_token_must_be_rotated() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "rotationPeriodMinutes": 60 })).await.unwrap();
    for (moment, expected) in [
        (0, None),
        (54 * MINUTE - 1, None),
        (54 * MINUTE, Some("2026-01-01T01:00:00.000Z")),
        (60 * MINUTE - 1, Some("2026-01-01T01:00:00.000Z")),
        (60 * MINUTE, None),
    ] {
        server.clock.set(moment);
        // Twice: from the database, and from memory.
        for _ in 0..2 {
            assert_eq!(get(&token.client, "/verify").await.header("X-Token-Rotate-By"), expected, "{moment}");
        }
    }
    server.clock.set(59 * MINUTE);
    let new = token.client.with(token.client.rotate().await.unwrap());
    assert_eq!(get(&new, "/verify").await.header("X-Token-Rotate-By"), None, "it was rotated");
}
