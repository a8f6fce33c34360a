//! The limits in `/openapi.json`: they are those of the rules, and the server enforces each of them to the letter.

use rotakey::domain::listing::MAX_PAGE_SIZE;
use rotakey::domain::restriction::{MAX_ALLOWED_ORIGINS, MAX_CIDR_BLOCKS, MAX_ORIGIN_LENGTH};
use rotakey::domain::text::{MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH};
use rotakey::domain::token::{MAX_METADATA_BYTES, MAX_METADATA_ENTRIES, MAX_METADATA_KEY_LENGTH, MAX_SCOPES, Scope};
use rotakey::domain::value::derivation::IdempotencyKey;
use rotakey::service::MAX_VERIFICATIONS;
use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::clock::MINUTE;
use crate::support::server::Server;

async fn document(server: &Server) -> Value {
    server.anonymous().rest("GET", "/openapi.json", Value::Null).await.body
}

/// The field of this refusal, or nothing for an answer that is good.
fn refused(answer: &Answer) -> Option<&str> {
    match answer.status {
        200 => None,
        _ => Some(answer.refusal().2.unwrap_or("")),
    }
}

/// Creates a token with this field: the field that is refused, if any.
async fn create(server: &Server, more: Value) -> Option<String> {
    let mut input = json!({ "name": "n" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = server.admin.rest("POST", "/api-tokens", input).await;
    refused(&answer).map(str::to_owned)
}

fn letters(count: usize) -> Value {
    // Characters are counted, not bytes.
    json!("é".repeat(count))
}

#[tokio::test]
async fn what_the_document_says_is_what_the_rules_say() {
    let server = Server::start().await;
    let document = document(&server).await;
    let schemas = &document["components"]["schemas"];
    for input in ["CreateAPITokenInput", "ImportAPITokenInput", "UpdateAPITokenInput"] {
        let limit = |place: &str| schemas[input].pointer(&format!("/properties/{place}")).and_then(Value::as_u64);
        for (place, rule) in [
            ("name/minLength", 1),
            ("name/maxLength", MAX_NAME_LENGTH),
            ("owner/minLength", 1),
            ("owner/maxLength", MAX_NAME_LENGTH),
            ("description/maxLength", MAX_DESCRIPTION_LENGTH),
            ("scopes/maxItems", MAX_SCOPES),
            ("scopes/items/minLength", 1),
            ("scopes/items/maxLength", Scope::MAX_LENGTH),
            ("allowedCIDRBlocks/maxItems", MAX_CIDR_BLOCKS),
            ("metadata/maxItems", MAX_METADATA_ENTRIES),
            ("allowedOrigins/maxItems", MAX_ALLOWED_ORIGINS),
            ("allowedOrigins/items/maxLength", MAX_ORIGIN_LENGTH),
        ] {
            assert_eq!(limit(place), Some(rule as u64), "{input} {place}");
        }
    }
    let inputs = &schemas["VerifyAPITokensInput"]["properties"]["inputs"];
    assert_eq!((&inputs["minItems"], &inputs["maxItems"]), (&json!(1), &json!(MAX_VERIFICATIONS)));
    let key = &schemas["RotateAPITokenInput"]["properties"]["idempotencyKey"];
    assert_eq!((&key["minLength"], &key["maxLength"]), (&json!(1), &json!(IdempotencyKey::MAX_LENGTH)));
    let parameters = document["paths"]["/api-tokens"]["get"]["parameters"].as_array().unwrap();
    let schema = |name: &str| &parameters.iter().find(|parameter| parameter["name"] == name).unwrap()["schema"];
    for size in ["first", "last"] {
        assert_eq!((&schema(size)["minimum"], &schema(size)["maximum"]), (&json!(1), &json!(MAX_PAGE_SIZE)));
    }
    for text in ["name", "owner"] {
        assert_eq!(schema(text)["maxLength"], json!(MAX_NAME_LENGTH));
    }
}

/// So that a new field does not come without its limit.
#[tokio::test]
async fn every_field_that_can_have_a_limit_has_one() {
    let server = Server::start().await;
    let document = document(&server).await;
    // An id and a cursor are what the server gave; a value to verify, and where it came from, what another client sent.
    let given = ["cloneSettingsFrom", "createdBy", "after", "before", "value", "address", "origin"];
    let mut fields: Vec<(String, Value)> = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if name.ends_with("APITokenInput") || name.ends_with("WebhookInput") {
            fields
                .extend(schema["properties"].as_object().unwrap().iter().map(|(name, it)| (name.clone(), it.clone())));
        }
    }
    let parameters = document["paths"]["/api-tokens"]["get"]["parameters"].as_array().unwrap();
    let of_revocation = document["paths"]["/api-tokens"]["delete"]["parameters"].as_array().unwrap();
    let parameters = parameters.iter().chain(of_revocation);
    fields.extend(parameters.map(|it| (it["name"].as_str().unwrap().to_owned(), it["schema"].clone())));
    assert!(fields.len() > 30);
    for (name, schema) in fields.iter().filter(|(name, _)| !given.contains(&name.as_str())) {
        let is = |kind: &str| schema["type"] == kind || schema["type"].as_array().is_some_and(|all| all[0] == kind);
        let has = |limit: &str| !schema[limit].is_null();
        let of_names = !schema["items"]["$ref"].is_null();
        assert!(!is("string") || has("maxLength"), "{name}");
        assert!(!is("array") || has("maxItems") || of_names, "{name}");
        assert!(!is("integer") || (has("minimum") && has("maximum")), "{name}");
    }
}

#[tokio::test]
async fn at_a_limit_the_server_takes_it_and_beyond_it_does_not() {
    let server = Server::start().await;
    let scopes = |count: usize| json!((0..count).map(|number| format!("s{number}")).collect::<Vec<_>>());
    let blocks = |count: usize| json!((0..count).map(|number| format!("10.0.0.{number}")).collect::<Vec<_>>());
    let origins =
        |count: usize| json!((0..count).map(|number| format!("https://{number}.example.com")).collect::<Vec<_>>());
    let pair = |key: usize, value: usize| json!([{ "key": "k".repeat(key), "value": "v".repeat(value) }]);
    let pairs = |count: usize| (0..count).map(|number| json!({ "key": number.to_string(), "value": "" })).collect();
    let long = |count: usize| json!(["s".repeat(count)]);
    let beyond = i64::from(i32::MAX) + 1;
    for (field, good, bad) in [
        ("name", vec![letters(1), letters(MAX_NAME_LENGTH)], vec![letters(0), letters(MAX_NAME_LENGTH + 1)]),
        ("owner", vec![letters(1), letters(MAX_NAME_LENGTH)], vec![letters(0), letters(MAX_NAME_LENGTH + 1)]),
        ("description", vec![letters(0), letters(MAX_DESCRIPTION_LENGTH)], vec![letters(MAX_DESCRIPTION_LENGTH + 1)]),
        ("scopes", vec![scopes(0), scopes(MAX_SCOPES)], vec![scopes(MAX_SCOPES + 1)]),
        ("scopes", vec![long(1), long(Scope::MAX_LENGTH)], vec![long(0), long(Scope::MAX_LENGTH + 1)]),
        ("allowedCIDRBlocks", vec![blocks(MAX_CIDR_BLOCKS)], vec![blocks(MAX_CIDR_BLOCKS + 1)]),
        ("allowedOrigins", vec![origins(MAX_ALLOWED_ORIGINS)], vec![origins(MAX_ALLOWED_ORIGINS + 1)]),
        ("allowedOrigins", vec![], vec![json!([format!("app://{}", "a".repeat(MAX_ORIGIN_LENGTH - 5))])]),
        ("metadata", vec![pairs(0), pairs(MAX_METADATA_ENTRIES)], vec![pairs(MAX_METADATA_ENTRIES + 1)]),
        (
            "metadata",
            vec![pair(1, 0), pair(MAX_METADATA_KEY_LENGTH, 0)],
            vec![pair(0, 0), pair(MAX_METADATA_KEY_LENGTH + 1, 0)],
        ),
        ("metadata", vec![pair(1, MAX_METADATA_BYTES - 1)], vec![pair(1, MAX_METADATA_BYTES)]),
        ("rotationPeriodMinutes", vec![json!(1), json!(i32::MAX)], vec![json!(0), json!(-1), json!(beyond)]),
        ("overlapMinutes", vec![json!(0), json!(i32::MAX)], vec![json!(-1), json!(beyond)]),
    ] {
        for (values, refusal) in [(good, None), (bad, Some(field.to_owned()))] {
            for value in values {
                let reported = create(&server, json!({ field: value })).await;
                assert_eq!(reported, refusal, "{field}: {}", value.to_string().chars().take(40).collect::<String>());
            }
        }
    }
    for (key, good) in [("", false), ("k", true), (&*"~".repeat(255), true), (&*"~".repeat(256), false), ("é", false)]
    {
        let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
        let body = json!({ "idempotencyKey": key });
        let answer = server.admin.rest("POST", &format!("/api-tokens/{}/rotate", token.id), body).await;
        assert_eq!(refused(&answer), (!good).then_some("idempotencyKey"), "{key}");
    }
    for (size, good) in [(0, false), (1, true), (MAX_PAGE_SIZE, true), (MAX_PAGE_SIZE + 1, false)] {
        for parameter in ["first", "last"] {
            let answer = server.admin.rest("GET", &format!("/api-tokens?{parameter}={size}"), Value::Null).await;
            assert_eq!(refused(&answer), (!good).then_some(parameter), "{size}");
        }
    }
    for (length, good) in [(MAX_NAME_LENGTH, true), (MAX_NAME_LENGTH + 1, false)] {
        for parameter in ["name", "owner"] {
            let path = format!("/api-tokens?{parameter}={}", "a".repeat(length));
            let answer = server.admin.rest("GET", &path, Value::Null).await;
            assert_eq!(answer.status, if good { 200 } else { 400 }, "{parameter} {length}");
        }
    }
}

#[tokio::test]
async fn a_scope_has_the_letters_of_its_pattern_and_no_others() {
    let server = Server::start().await;
    let document = document(&server).await;
    let items = &document["components"]["schemas"]["CreateAPITokenInput"]["properties"]["scopes"]["items"];
    assert_eq!(items["pattern"], json!(r"^[\x21\x23-\x5B\x5D-\x7E]+$"));
    for letter in (0x1F..=0x80u8).map(char::from) {
        let matches = matches!(letter, '\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E');
        let reported = create(&server, json!({ "scopes": [format!("a{letter}b")] })).await;
        assert_eq!(reported.is_none(), matches, "{letter:?}");
    }
}

#[tokio::test]
async fn what_excludes_each_other_is_said_and_refused() {
    let server = Server::start().await;
    let document = document(&server).await;
    let schemas = &document["components"]["schemas"];
    let excluded = |schema: &Value| -> Vec<Vec<String>> {
        let either = schema["anyOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
        either.iter().map(|it| serde_json::from_value(it["required"].clone()).unwrap()).collect()
    };
    let reuse = vec!["protected".to_owned(), "onReuse".to_owned()];
    let permissions = vec!["kind".to_owned(), "permissions".to_owned()];
    let leak = vec!["protected".to_owned(), "onLeak".to_owned()];
    let public_leak = vec!["kind".to_owned(), "onLeak".to_owned()];
    let created = [permissions, public_leak, reuse.clone(), leak.clone()];
    assert_eq!(excluded(&schemas["CreateAPITokenInput"]["not"]), created);
    assert_eq!(excluded(&schemas["UpdateAPITokenInput"]["not"]), [reuse, leak]);
    for (more, refusal) in [
        (json!({ "kind": "PUBLIC", "permissions": ["API_TOKEN_READ"] }), Some("permissions")),
        (json!({ "kind": "PUBLIC", "permissions": [] }), None),
        (json!({ "kind": "PUBLIC", "permissions": null }), None),
        (json!({ "kind": "PRIVATE", "permissions": ["API_TOKEN_READ"] }), None),
        (json!({ "protected": true, "onReuse": "REVOKE" }), Some("onReuse")),
        (json!({ "protected": false, "onReuse": "REVOKE" }), None),
        (json!({ "protected": true, "onReuse": "ALERT" }), None),
        (json!({ "protected": true, "onLeak": "RETIRE" }), Some("onLeak")),
        (json!({ "protected": true, "onLeak": "ALERT" }), None),
        (json!({ "kind": "PUBLIC", "onLeak": "RETIRE" }), Some("onLeak")),
        (json!({ "kind": "PUBLIC", "onLeak": "ALERT" }), None),
        (json!({ "kind": "PRIVATE", "onLeak": "RETIRE" }), None),
    ] {
        assert_eq!(create(&server, more.clone()).await.as_deref(), refusal, "{more}");
    }
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let both = json!({ "protected": true, "onReuse": "REVOKE" });
    let answer = server.admin.rest("POST", &format!("/api-tokens/{}", token.id), both).await;
    assert_eq!(refused(&answer), Some("onReuse"));
}

#[tokio::test]
async fn the_largest_body_is_the_one_of_the_setting() {
    let server = Server::start_reading(20_000).await;
    let document = document(&server).await;
    let said = document["paths"]["/api-tokens"]["post"]["responses"]["413"]["description"].as_str().unwrap();
    assert!(said.contains("20000 bytes"), "{said}");
    for (bytes, status) in [(20_000, 200), (20_001, 413)] {
        let body = r#"{"name":"n"}"#.to_owned();
        let body = body.clone() + &" ".repeat(bytes - body.len());
        let request = server.admin.request("POST", "/api-tokens").header("Content-Type", "application/json");
        assert_eq!(request.body(body).send().await.unwrap().status(), status, "{bytes}");
    }
}

/// What is described by hand is what is answered.
#[tokio::test]
async fn an_answer_of_an_endpoint_that_verifies_has_the_fields_that_are_described() {
    let server = Server::start().await;
    let document = document(&server).await;
    let schemas = &document["components"]["schemas"];
    let check = |answer: &Answer, status: u16, schema: &str| {
        assert_eq!(answer.status, status, "{}", answer.body);
        let fields = schemas[schema]["properties"].as_object().unwrap();
        let reported = answer.body.as_object().unwrap();
        assert!(reported.keys().all(|field| fields.contains_key(field)), "{schema}: {}", answer.body);
        let required = schemas[schema]["required"].as_array().unwrap();
        assert!(
            required.iter().all(|field| reported.contains_key(field.as_str().unwrap())),
            "{schema}: {}",
            answer.body
        );
    };
    let full = json!({
        "name": "n", "owner": "acme", "scopes": ["read"], "rotationPeriodMinutes": 60, "overlapMinutes": 60,
        "expiresAt": "2027-01-01T00:00:00Z", "metadata": [{ "key": "team", "value": "payments" }]
    });
    let old = server.admin.create(full).await.unwrap().client;
    old.rotate().await.unwrap();
    let value = old.value.clone().unwrap();
    let introspect = async |client: &crate::support::client::Client, form: String| {
        let request = client.request("POST", "/introspect").header("Content-Type", crate::support::verification::FORM);
        Answer::of(request.body(form).send().await.unwrap()).await
    };
    let reported = introspect(&server.admin, format!("token={value}")).await;
    check(&reported, 200, "Introspection");
    let described = schemas["Introspection"]["properties"].as_object().unwrap();
    assert_eq!(
        described.len(),
        reported.body.as_object().unwrap().len(),
        "everything that is described is reported here"
    );
    check(&introspect(&server.admin, "token=hello".into()).await, 200, "Introspection");
    check(&introspect(&server.admin, String::new()).await, 400, "OAuthError");
    check(&introspect(&server.anonymous(), "token=hello".into()).await, 401, "OAuthError");
    check(&introspect(&old, "token=hello".into()).await, 403, "OAuthError");
    for (client, path, status) in [
        (&server.anonymous(), "/verify", 401),
        (&old, "/verify?scope=write", 403),
        (&old, "/verify?scope=", 400),
        (&old, "/verify?x=1", 400),
    ] {
        check(&client.rest("GET", path, Value::Null).await, status, "VerifyError");
    }
    let ready = server.anonymous().rest("GET", "/readyz", Value::Null).await;
    check(&ready, ready.status, "Readiness");
    let checks = schemas["Readiness"]["properties"]["checks"]["properties"].as_object().unwrap();
    assert!(checks.keys().eq(ready.body["checks"].as_object().unwrap().keys()), "{}", ready.body);
    // With everything that may be said: metadata, a newer value, and a rotation that is due soon.
    server.clock.set(55 * MINUTE);
    let good = old.rest("GET", "/verify?metadata=true", Value::Null).await;
    for name in document["paths"]["/verify"]["get"]["responses"]["200"]["headers"].as_object().unwrap().keys() {
        assert!(good.headers.contains_key(name.as_str()), "{name}");
    }
}
