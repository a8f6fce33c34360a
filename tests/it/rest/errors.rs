//! What the REST endpoints refuse: each with a status, a code and, where it applies, the field; nothing is written, and nothing
//! that was sent is repeated.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::server::Server;

async fn count(server: &Server) -> usize {
    let page = server.admin.rest("GET", "/api-tokens?first=200", Value::Null).await;
    page.body["data"].as_array().unwrap().len()
}

/// Every address, with a body that it takes.
fn requests(id: &str) -> Vec<(&'static str, String, Value)> {
    vec![
        ("GET", "/api-tokens".to_owned(), Value::Null),
        ("POST", "/api-tokens".to_owned(), json!({ "name": "new" })),
        ("GET", format!("/api-tokens/{id}"), Value::Null),
        ("POST", format!("/api-tokens/{id}"), json!({ "name": "new" })),
        ("DELETE", format!("/api-tokens/{id}"), Value::Null),
        ("POST", format!("/api-tokens/{id}/rotate"), json!({})),
        ("POST", format!("/api-tokens/{id}/end-overlap"), Value::Null),
        ("GET", format!("/api-tokens/{id}/rehearse-retirement"), Value::Null),
        ("POST", format!("/api-tokens/{id}/suspend"), Value::Null),
        ("POST", format!("/api-tokens/{id}/resume"), Value::Null),
        ("POST", format!("/api-tokens/{id}/revive"), json!({ "reason": "r" })),
    ]
}

#[tokio::test]
async fn without_a_credential_every_address_is_a_401_that_asks_for_one() {
    let server = Server::start().await;
    for (method, path, body) in requests("self") {
        let answer = server.anonymous().rest(method, &path, body.clone()).await;
        assert_eq!(answer.refusal(), (401, "UNAUTHENTICATED", None), "{method} {path}");
        assert_eq!(answer.header("WWW-Authenticate"), Some(r#"Bearer realm="rotakey""#));
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        let answer = server.anonymous().with("hello").rest(method, &path, body).await;
        assert_eq!(answer.refusal(), (401, "UNAUTHENTICATED", None), "{method} {path}");
        assert_eq!(answer.header("WWW-Authenticate"), Some(r#"Bearer realm="rotakey", error="invalid_token""#));
    }
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn r11_without_the_permission_every_address_of_another_is_a_403() {
    let server = Server::start().await;
    let plain = server.admin.create(json!({ "name": "plain" })).await.unwrap();
    let id = server.admin.my_id().await;
    for (method, path, body) in requests(&id) {
        let answer = plain.client.rest(method, &path, body).await;
        assert_eq!(answer.refusal(), (403, "FORBIDDEN", None), "{method} {path}");
    }
    let public = server.admin.create(json!({ "name": "web", "kind": "PUBLIC" })).await.unwrap();
    let answer = public.client.rest("POST", "/api-tokens/self/rotate", Value::Null).await;
    assert_eq!(answer.refusal(), (403, "FORBIDDEN", None));
    assert_eq!(count(&server).await, 3);
}

#[tokio::test]
async fn r12_restrictions_bind_every_address() {
    let server = Server::start().await;
    let input = json!({
        "name": "bound", "permissions": ["API_TOKEN_READ", "API_TOKEN_MODIFY"],
        "allowedCIDRBlocks": ["10.0.0.0/8"], "allowedOrigins": ["https://app.example.com"],
    });
    let token = server.admin.create(input).await.unwrap();
    let send = async |(method, path, body): (&str, String, Value), address: &str, origin: &str| {
        let request = token.client.request(method, &path).header("X-Forwarded-For", address).header("Origin", origin);
        let request = if body.is_null() { request } else { request.json(&body) };
        Answer::of(request.send().await.unwrap()).await
    };
    for request in requests("self") {
        let answer = send(request.clone(), "11.0.0.1", "https://app.example.com").await;
        assert_eq!(answer.refusal(), (403, "ADDRESS_REFUSED", None), "{request:?}");
        let answer = send(request.clone(), "10.0.0.1", "https://app.example.org").await;
        assert_eq!(answer.refusal(), (403, "ORIGIN_REFUSED", None), "{request:?}");
    }
    let good = ("GET", "/api-tokens/self".to_owned(), Value::Null);
    assert_eq!(send(good, "10.0.0.1", "https://app.example.com").await.status, 200);
    assert_eq!(count(&server).await, 2);
}

#[tokio::test]
async fn what_is_not_there_is_a_404() {
    let server = Server::start().await;
    for id in ["tok_1", "tok_01KDVDNA00FGYCT45VFV1QPHPZ", "%ff", "SELF"] {
        for (method, path, body) in requests(id).into_iter().skip(2) {
            let answer = server.admin.rest(method, &path, body).await;
            assert_eq!(answer.refusal(), (404, "NOT_FOUND", Some("id")), "{method} {path}");
        }
    }
    for path in ["/api-tokens//", "/api-tokens/self//", "/api-tokens/self/sell", "/api/index/v1", "/api/x"] {
        assert_eq!(server.admin.rest("POST", path, json!({})).await.refusal(), (404, "NOT_FOUND", None), "{path}");
    }
}

#[tokio::test]
async fn settings_that_break_a_rule_name_their_field_and_write_nothing() {
    let server = Server::start().await;
    let path = format!("/api-tokens/{}", server.admin.my_id().await);
    for (field, value, both) in [
        ("name", json!(""), true),
        ("name", json!(5), true),
        ("description", json!(["d"]), true),
        ("owner", json!(""), true),
        ("kind", json!("SECRET"), false),
        ("permissions", json!("API_TOKEN_READ"), true),
        ("permissions", json!(["api_token_read"]), true),
        ("scopes", json!(["a b"]), true),
        ("scopes", json!([null]), true),
        ("allowedCIDRBlocks", json!(["10.0.0.1/8"]), true),
        ("allowedOrigins", json!(["https://example.com/path"]), true),
        ("expiresAt", json!("tomorrow"), false),
        ("expiresAt", json!("2026-01-01T00:00:00Z"), false),
        ("rotationPeriodMinutes", json!(0), false),
        ("rotationPeriodMinutes", json!(1.5), false),
        ("rotationPeriodMinutes", json!(4_000_000_000_u64), false),
        ("overlapMinutes", json!("5"), false),
        ("overlapStarts", json!("USE"), false),
        ("onReuse", json!(true), true),
        ("protected", json!("yes"), true),
        ("cloneSettingsFrom", json!(1), false),
    ] {
        let mut body = json!({ "name": "good" });
        body[field] = value.clone();
        let answer = server.admin.rest("POST", "/api-tokens", body).await;
        assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some(field)), "{value}: {}", answer.body);
        if both {
            let answer = server.admin.rest("POST", &path, json!({ field: value })).await;
            assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some(field)), "{value}: {}", answer.body);
        }
    }
    let missing = server.admin.rest("POST", "/api-tokens", json!({})).await;
    assert_eq!(missing.refusal(), (400, "BAD_USER_INPUT", Some("name")));
    let mut many = json!({ "name": "good" });
    many["allowedCIDRBlocks"] =
        (0..10_000).map(|number| json!(format!("10.{}.{}.0/24", number / 250, number % 250))).collect();
    let many = server.admin.rest("POST", "/api-tokens", many).await;
    assert_eq!(many.refusal(), (400, "BAD_USER_INPUT", Some("allowedCIDRBlocks")));
    assert_eq!(count(&server).await, 1);
    let own = server.admin.rest("GET", "/api-tokens/self", Value::Null).await;
    assert_eq!((&own.body["name"], &own.body["updatedAt"]), (&json!("admin"), &Value::Null));
}

#[tokio::test]
async fn an_unknown_or_unchangeable_field_is_refused_by_name() {
    let server = Server::start().await;
    for (path, good, fields) in [
        ("/api-tokens", json!({ "name": "good" }), vec!["colour", "id", "value", "Name"]),
        (
            "/api-tokens/self",
            json!({ "name": "good" }),
            vec![
                "notBefore",
                "expiresAt",
                "rotationPeriodMinutes",
                "overlapMinutes",
                "overlapStarts",
                "kind",
                "cloneSettingsFrom",
                "id",
            ],
        ),
        ("/api-tokens/self/rotate", json!({}), vec!["id", "overlap", "expiresAt"]),
        ("/api-tokens/self/end-overlap", json!({}), vec!["id"]),
        ("/api-tokens/self/suspend", json!({}), vec!["id", "evidenceUrl"]),
        ("/api-tokens/self/resume", json!({}), vec!["id"]),
        ("/api-tokens/self/revive", json!({ "reason": "r" }), vec!["id", "overlapMinutes"]),
    ] {
        for field in fields {
            let mut body = good.clone();
            body[field] = json!(1);
            let answer = server.admin.rest("POST", path, body).await;
            assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some(field)), "{path}");
            assert!(answer.body["message"].as_str().unwrap().contains(&format!("{field:?}")), "{}", answer.body);
        }
    }
    // A misspelt name is reported before the field that is then missing.
    let answer = server.admin.rest("POST", "/api-tokens", json!({ "nam": "x" })).await;
    assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some("nam")));
    let own = server.admin.rest("GET", "/api-tokens/self", Value::Null).await;
    assert_eq!((&own.body["name"], &own.body["generation"]), (&json!("admin"), &json!(1)));
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn a_field_that_is_given_more_than_once_is_refused_by_name() {
    let server = Server::start().await;
    for (path, body, field) in [
        ("/api-tokens", r#"{"name":"good","name":"good"}"#, "name"),
        ("/api-tokens", r#"{"name":"good","protected":"yes","protected":null}"#, "protected"),
        ("/api-tokens", r#"{"name":"good","colour":1,"colour":1}"#, "colour"),
        ("/api-tokens/self", r#"{"name":5,"name":"good"}"#, "name"),
        ("/api-tokens", r#"{"name":"good","colour":[{"a":{"b":1,"b":1}}]}"#, "b"),
        ("/api-tokens", r#"{"name":"good","a name":1,"a name":2}"#, "a name"),
        ("/api-tokens/self/rotate", r#"{"overlapMinutes":0,"overlapMinutes":null}"#, "overlapMinutes"),
    ] {
        let request = server.admin.request("POST", path).header("Content-Type", "application/json").body(body);
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some(field)), "{body}: {}", answer.body);
        let message = answer.body["message"].as_str().unwrap();
        assert!(message.ends_with("is given more than once. Give it once."), "{message}");
    }
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn a_bad_query_names_its_parameter() {
    let server = Server::start().await;
    for (query, field) in [
        ("first=0", "first"),
        ("first=201", "first"),
        ("first=ten", "first"),
        ("first=1&last=1", "last"),
        ("first=1&first=2", "first"),
        ("last=99999999999", "last"),
        ("after=x", "after"),
        ("before=x", "before"),
        ("status=active", "status"),
        ("status=ACTIVE,", "status"),
        ("kind=OPEN", "kind"),
        ("kind=PUBLIC&kind=PRIVATE", "kind"),
        ("scope=", "scope"),
        ("scope=two+words", "scope"),
        ("permission=ALL", "permission"),
        ("metadata=team", "metadata"),
        ("metadata=", "metadata"),
        ("metadata==payments", "metadata"),
        ("metadata=a=1&metadata=a=2", "metadata"),
        ("expiresAfter=tomorrow", "expiresAfter"),
        ("expiresAfter=2030-01-01T00:00:00Z&expiresBefore=2030-01-01T00:00:00Z", "expiresBefore"),
        ("rotateByBefore=0", "rotateByBefore"),
        ("unusedSince=", "unusedSince"),
        ("overlapRunning=yes", "overlapRunning"),
        ("previousValueUsedWithinMinutes=0", "previousValueUsedWithinMinutes"),
        ("previousValueUsedWithinMinutes=1.5", "previousValueUsedWithinMinutes"),
        ("orderBy=owner", "orderBy"),
        ("order=name", "order"),
        ("colour=red&colour=blue", "colour"),
    ] {
        let answer = server.admin.rest("GET", &format!("/api-tokens?{query}"), Value::Null).await;
        assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some(field)), "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn rotations_that_cannot_be_are_refused_and_rotate_nothing() {
    let server = Server::start().await;
    for (body, field) in [
        (json!({ "overlapMinutes": 11 }), Some("overlapMinutes")),
        (json!({ "overlapMinutes": -1 }), Some("overlapMinutes")),
        (json!({ "overlapMinutes": true }), Some("overlapMinutes")),
        (json!({ "idempotencyKey": "" }), Some("idempotencyKey")),
        (json!({ "idempotencyKey": 5 }), Some("idempotencyKey")),
    ] {
        let answer = server.admin.rest("POST", "/api-tokens/self/rotate", body.clone()).await;
        assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", field), "{body}");
    }
    let odd = server.admin.request("POST", "/api-tokens/self/rotate").header("Idempotency-Key", "é");
    let refused = (400, "BAD_USER_INPUT", Some("Idempotency-Key"));
    assert_eq!(Answer::of(odd.send().await.unwrap()).await.refusal(), refused);
    assert_eq!(server.admin.check().await, Ok(1));
}

async fn raw(client: &Client, path: &str, media_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = client.request("POST", path).header("Content-Type", media_type).body(body);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_body_must_be_a_json_object_that_says_so_and_is_not_too_large() {
    let server = Server::start().await;
    let json = "application/json; charset=utf-8";
    for path in ["/api-tokens", "/api-tokens/self", "/api-tokens/self/rotate", "/api-tokens/self/end-overlap"] {
        for body in ["{", "[]", "null", "\"name\"", "{\"name\": \"x\"} {}"] {
            assert_eq!(raw(&server.admin, path, json, body).await.refusal(), (400, "BAD_USER_INPUT", None), "{body}");
        }
        for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let answer = raw(&server.admin, path, media_type, "{}").await;
            assert_eq!(answer.refusal(), (415, "BAD_USER_INPUT", None), "{media_type}");
        }
        let large = " ".repeat(1024 * 1024 + 1);
        assert_eq!(raw(&server.admin, path, json, large).await.refusal(), (413, "BAD_USER_INPUT", None));
    }
    let whole = format!("{}{}", json!({ "name": "x" }), " ".repeat(1024 * 1024 - 12));
    assert_eq!(raw(&server.admin, "/api-tokens", json, whole).await.status, 200);
    assert_eq!(server.admin.check().await, Ok(1));
    assert_eq!(count(&server).await, 2);
}

#[tokio::test]
async fn r9_no_error_repeats_a_value_wherever_it_was_put() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let mut answers = Vec::new();
    for path in ["/api-tokens", "/api-tokens/self", "/api-tokens/self/rotate", "/rotatetoken"] {
        for body in [
            format!("{{\"{value}\""),
            format!("{{\"{value}\": 1}}"),
            format!("{{\"x{value}\": 1}}"),
            format!("{{\"kind\": \"{value}\", \"name\": {{\"{value}\": 1}}}}"),
            format!("{{\"scopes\": [\"{value} x\"], \"name\": \"x\"}}"),
            format!("{{\"allowedCIDRBlocks\": [\"{value}\"], \"name\": \"x\"}}"),
            format!("{{\"expiresAt\": \"{value}\"}}"),
            format!("{{\"overlapMinutes\": \"{value}\"}}"),
            format!("\"{value}\""),
        ] {
            answers.push(raw(&server.admin, path, "application/json", body).await);
        }
        answers.push(raw(&server.admin, path, "text/plain", value.clone()).await);
    }
    for path in [
        format!("/api-tokens/{value}"),
        format!("/api-tokens/self/{value}"),
        format!("/api-tokens?{value}=1"),
        format!("/api-tokens?{value}=1&{value}=2"),
        format!("/api-tokens?status={value}"),
        format!("/api-tokens?after={value}"),
        format!("/api-tokens?first={value}"),
    ] {
        answers.push(server.admin.rest("GET", &path, Value::Null).await);
    }
    for answer in answers {
        assert!([400, 404, 415].contains(&answer.refusal().0), "{}", answer.body);
        let reported = format!("{:?} {}", answer.headers, answer.body);
        assert!(!reported.contains(&value[3..15]), "{reported}");
    }
    assert_eq!(server.admin.check().await, Ok(1));
}
