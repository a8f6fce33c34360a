//! Every setting that the schema lets a client give is written, read and shown, whichever setting it is: a new one is tested
//! here without being named.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::server::Server;

/// The fields of an input, each with a value that is no default.
async fn settings_of(admin: &Client, input: &str, others: &[&str]) -> Vec<(String, Value)> {
    let query =
        format!("{{ __type(name: \"{input}\") {{ inputFields {{ name type {{ name ofType {{ name }} }} }} }} }}");
    let answer = admin.ask(&query).await;
    let fields = answer.body["data"]["__type"]["inputFields"].as_array().unwrap();
    let field = |field: &Value| {
        let name = field["name"].as_str().unwrap();
        let kind = field["type"]["name"].as_str().or(field["type"]["ofType"]["name"].as_str());
        let value = match (name, kind) {
            ("permissions", _) => json!(["API_TOKEN_READ"]),
            ("allowedCIDRBlocks", _) => json!(["127.0.0.0/8"]),
            ("allowedOrigins", _) => json!(["https://example.com"]),
            ("metadata", _) => json!([{ "key": "region", "value": "Zürich" }, { "key": "team", "value": "" }]),
            ("scopes", _) => json!(["read", "write"]),
            (_, Some("String")) => json!(format!("some {name}")),
            (_, Some("Int")) => json!(7),
            (_, Some("Boolean")) => json!(true),
            (_, Some("DateTime")) => json!("2026-03-04T05:06:07.008Z"),
            (_, Some("APITokenKind")) => json!("PUBLIC"),
            (_, Some("OverlapStart")) => json!("FIRST_USE"),
            (_, Some("OverlapEnd")) => json!("WHEN_SILENT"),
            (_, Some("ReusePolicy" | "LeakPolicy")) => json!("REVOKE"),
            other => panic!("give a value for a setting such as {other:?}"),
        };
        (name.to_owned(), value)
    };
    fields.iter().filter(|field| !others.contains(&field["name"].as_str().unwrap())).map(field).collect()
}

async fn shown(admin: &Client, id: &str, field: &str) -> [Value; 2] {
    let selection = if field == "metadata" { " { key value }" } else { "" };
    let query = format!("query($id: ID!) {{ apiToken(id: $id) {{ {field}{selection} }} }}");
    let graphql = admin.graphql(&query, json!({ "id": id })).await;
    assert_eq!(graphql.code(), None, "{field}: {}", graphql.body);
    let rest = admin.rest("GET", &format!("/api-tokens/{id}"), Value::Null).await;
    [&graphql.body["data"]["apiToken"], &rest.body].map(|token| {
        assert!(token.as_object().unwrap().contains_key(field), "{field} is not shown: {token}");
        token[field].clone()
    })
}

/// A token with this one setting, made over GraphQL and over REST.
async fn created(admin: &Client, field: &str, value: &Value) -> [String; 2] {
    let mut input = json!({ "name": "n" });
    input[field] = value.clone();
    let rest = admin.rest("POST", "/api-tokens", input.clone()).await;
    assert_eq!(rest.status, 200, "{field}: {}", rest.body);
    let graphql = admin.create(input).await.unwrap_or_else(|code| panic!("{field}: {code}"));
    [graphql.id, rest.body["id"].as_str().unwrap().to_owned()]
}

#[tokio::test]
async fn every_setting_that_is_given_at_creation_is_kept_and_shown() {
    let server = Server::start().await;
    let plain = server.admin.create(json!({ "name": "plain" })).await.unwrap();
    for (field, value) in settings_of(&server.admin, "CreateAPITokenInput", &["cloneSettingsFrom"]).await {
        assert!(!shown(&server.admin, &plain.id, &field).await.contains(&value), "{field}: {value} is the default");
        for id in created(&server.admin, &field, &value).await {
            assert_eq!(shown(&server.admin, &id, &field).await, [value.clone(), value.clone()], "{field}");
            let clone = json!({ "name": "clone", "cloneSettingsFrom": id });
            let clone = server.admin.create(clone).await.unwrap();
            let is_cloned = shown(&server.admin, &clone.id, &field).await.contains(&value);
            assert_eq!(is_cloned, !["name", "notBefore", "expiresAt"].contains(&field.as_str()), "{field} of a clone");
        }
    }
}

#[tokio::test]
async fn every_setting_that_is_changed_is_kept_and_shown() {
    let server = Server::start().await;
    for (field, value) in settings_of(&server.admin, "UpdateAPITokenInput", &["id"]).await {
        let plain = json!({ "name": "plain" });
        let [by_graphql, by_rest] =
            [server.admin.create(plain.clone()).await.unwrap().id, server.admin.create(plain).await.unwrap().id];
        let mut input = json!({ "id": by_graphql });
        input[&field] = value.clone();
        server.admin.update(input).await.unwrap_or_else(|code| panic!("{field}: {code}"));
        let mut input = json!({});
        input[&field] = value.clone();
        let changed = server.admin.rest("POST", &format!("/api-tokens/{by_rest}"), input).await;
        assert_eq!(changed.status, 200, "{field}: {}", changed.body);
        for id in [by_graphql, by_rest] {
            assert_eq!(shown(&server.admin, &id, &field).await, [value.clone(), value.clone()], "{field}");
        }
    }
}
