//! `importAPITokens`.

use rotakey::domain::token::Limits;
use rotakey::domain::value::foreign::{Algorithm, ForeignFormat, ForeignFormats, FormatName};
use rotakey::service::Policy;
use serde_json::{Value, json};

use super::{VALUE, formats, plain, sha256};
use crate::support::client::{Answer, Client};
use crate::support::clock::MINUTE;
use crate::support::server::Server;

/// When the clock of a test starts.
const NOW: &str = "2026-01-01T00:00:00.000Z";

async fn start() -> Server {
    Server::start_importing(formats(), Policy::default()).await
}

async fn import(client: &Client, tokens: Value) -> Answer {
    let query = "mutation($input: ImportAPITokensInput!) { importAPITokens(input: $input) { imports { id isNew } } }";
    client.graphql(query, json!({ "input": { "tokens": tokens } })).await
}

/// The message and the field of the refusal.
async fn refused(client: &Client, tokens: Value) -> (String, String) {
    let answer = import(client, tokens).await;
    let error = &answer.body["errors"][0];
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{}", answer.body);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&error["message"]), text(&error["extensions"]["field"]))
}

async fn count(server: &Server) -> usize {
    let answer = server.admin.ask("{ apiTokens(first: 200) { nodes { id } } }").await;
    answer.body["data"]["apiTokens"]["nodes"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_token_is_imported_once_with_every_setting_and_an_event() {
    let server = start().await;
    let token = json!({ "sha256": sha256(VALUE), "format": "plain", "name": "billing", "description": "d", "owner": "acme",
        "kind": "PRIVATE", "permissions": ["API_TOKEN_READ"], "scopes": ["read"], "allowedCIDRBlocks": ["127.0.0.0/8"],
        "allowedOrigins": [], "expiresAt": "2027-01-01T00:00:00Z", "rotationPeriodMinutes": 600, "overlapMinutes": 20,
        "overlapStarts": "FIRST_USE", "overlapEnds": "WHEN_SILENT", "silentMinutes": 3, "onReuse": "ALERT", "onLeak": "ALERT",
        "metadata": [{ "key": "team", "value": "payments" }], "protected": true });
    let first = import(&server.admin, json!([token])).await;
    assert_eq!(first.code(), None, "{}", first.body);
    let first = first.body["data"]["importAPITokens"]["imports"][0].clone();
    assert_eq!(first["isNew"], true);
    let id = first["id"].as_str().unwrap();
    let mut expected = token.clone();
    expected.as_object_mut().unwrap().retain(|name, _| !["sha256", "format"].contains(&name.as_str()));
    let read = server.admin.rest("GET", &format!("/api-tokens/{id}"), Value::Null).await.body;
    for (name, value) in expected.as_object().unwrap() {
        let value = if name == "expiresAt" { json!("2027-01-01T00:00:00.000Z") } else { value.clone() };
        assert_eq!(read[name], value, "{name}");
    }
    let events = server.admin.events(json!({ "tokenId": id })).await;
    assert_eq!(events, [("API_TOKEN_IMPORTED".to_owned(), "OK".to_owned(), json!(1))]);

    // Whatever has become of it.
    let holder = server.anonymous().with(VALUE);
    holder.rotate().await.unwrap();
    server.admin.update(json!({ "id": id, "name": "other", "protected": false })).await.unwrap();
    server.admin.revoke(id).await.unwrap();
    server.clock.set(MINUTE);
    let again = import(&server.admin, json!([token])).await;
    assert_eq!(again.body["data"]["importAPITokens"]["imports"], json!([{ "id": id, "isNew": false }]));
    assert_eq!(holder.check().await, Err("TOKEN_REVOKED".to_owned()));
}

#[tokio::test]
async fn all_of_them_are_imported_or_none() {
    let server = start().await;
    let other = VALUE.replace('a', "z");
    let wrong = json!([plain(VALUE, "a"), { "sha256": "00", "format": "plain", "name": "b" }]);
    let (message, field) = refused(&server.admin, wrong).await;
    assert!(message.starts_with("Item 2 of tokens:") && field == "sha256", "{message}");
    assert_eq!(count(&server).await, 1);

    import(&server.admin, json!([plain(VALUE, "a")])).await;
    let changed = json!([plain(&other, "b"), plain(VALUE, "changed")]);
    let (message, field) = refused(&server.admin, changed).await;
    assert!(message.contains("Item 2 of tokens") && message.contains("tok_") && field == "tokens", "{message}");
    let twice = json!([plain(&other, "b"), plain(&other, "c")]);
    assert!(refused(&server.admin, twice).await.0.contains("Item 2 of tokens"));
    assert_eq!(count(&server).await, 2);
    let known = json!([plain(&other, "b"), plain(VALUE, "a"), plain(&other, "b")]);
    let imports = import(&server.admin, known).await.body["data"]["importAPITokens"]["imports"].clone();
    let new: Vec<_> = imports.as_array().unwrap().iter().map(|import| import["isNew"].as_bool().unwrap()).collect();
    assert_eq!(new, [true, false, false]);
}

#[tokio::test]
async fn a_repeated_request_is_skipped_after_its_tokens_have_expired() {
    let server = start().await;
    let mut token = plain(VALUE, "a");
    let ends = json!({ "expiresAt": "2027-01-01T00:00:00Z", "createdAt": NOW, "rotationPeriodMinutes": 60 });
    token.as_object_mut().unwrap().extend(ends.as_object().unwrap().clone());
    let new = |answer: &Answer| answer.body["data"]["importAPITokens"]["imports"][0]["isNew"].clone();
    assert_eq!(new(&import(&server.admin, json!([token])).await), true);
    let mut other = token.clone();
    other["sha256"] = json!(sha256("other"));
    for (minutes, field) in [(60, "createdAt"), (600 * 24 * 60, "expiresAt")] {
        server.clock.set(minutes * MINUTE);
        assert_eq!(new(&import(&server.admin, json!([token])).await), false);
        assert_eq!(refused(&server.admin, json!([other])).await.1, field, "a new one");
    }
}

#[tokio::test]
async fn a_token_is_as_old_as_its_import_and_its_value_as_old_as_it_is() {
    let server = start().await;
    let mut token = plain(VALUE, "a");
    token["createdAt"] = json!("2020-01-01T00:00:00.000Z");
    let id = import(&server.admin, json!([token])).await.body["data"]["importAPITokens"]["imports"][0]["id"].clone();
    let id = id.as_str().unwrap();
    let query = "{ apiTokens(filter: { unusedSince: \"2024-01-01T00:00:00Z\" }) { nodes { id } } }";
    assert_eq!(server.admin.ask(query).await.body["data"]["apiTokens"]["nodes"], json!([]));
    let query = format!("{{ apiToken(id: \"{id}\") {{ createdAt values {{ createdAt }} }} }}");
    let read = server.admin.ask(&query).await.body["data"]["apiToken"].clone();
    assert_eq!((&read["createdAt"], &read["values"][0]["createdAt"]), (&json!(NOW), &token["createdAt"]), "{read}");
}

#[tokio::test]
async fn r10_a_value_is_imported_once_whatever_its_format_is_called() {
    let same = |name: &str| {
        let name = FormatName::parse(name).unwrap();
        ForeignFormat::new(name, "sk_live_[a-z]{24}", Algorithm::Sha256, None, None).unwrap()
    };
    let formats = ForeignFormats::new(vec![same("other"), same("plain")]);
    let server = Server::start_importing(formats, Policy::default()).await;
    let mut other = plain(VALUE, "a");
    other["format"] = json!("other");
    let twice = json!([plain(VALUE, "a"), other]);
    assert!(refused(&server.admin, twice).await.0.starts_with("Item 2 of tokens: this value was imported"));
    assert_eq!(import(&server.admin, json!([plain(VALUE, "a")])).await.code(), None);
    assert!(refused(&server.admin, json!([other])).await.0.contains(" as tok_"));
    let input = json!({ "name": "deputy", "permissions": ["API_TOKEN_MODIFY"], "scopes": ["read"] });
    let deputy = server.admin.create(input).await.unwrap().client;
    assert!(!refused(&deputy, json!([other])).await.0.contains("tok_"), "it may not read");
}

#[tokio::test]
async fn r11_nobody_imports_more_than_they_hold() {
    let server = start().await;
    let input = json!({ "name": "deputy", "permissions": ["API_TOKEN_MODIFY"], "scopes": ["read"] });
    let deputy = server.admin.create(input).await.unwrap().client;
    let nobody = server.admin.create(json!({ "name": "nobody", "scopes": ["read"] })).await.unwrap().client;
    let with = |settings: Value| {
        let mut token = plain(VALUE, "a");
        token.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        json!([token])
    };
    for (client, settings) in [
        (&deputy, json!({ "scopes": ["write"] })),
        (&deputy, json!({ "permissions": ["API_TOKEN_READ"] })),
        (&nobody, json!({})),
    ] {
        assert_eq!(import(client, with(settings.clone())).await.code(), Some("FORBIDDEN"), "{settings}");
    }
    assert_eq!(import(&server.anonymous(), with(json!({}))).await.code(), Some("UNAUTHENTICATED"));
    assert_eq!(import(&deputy, with(json!({}))).await.code(), None);
    let weak = json!({ "name": "weak", "permissions": ["API_TOKEN_MODIFY"] });
    let weak = server.admin.create(weak).await.unwrap().client;
    assert_eq!(import(&weak, with(json!({}))).await.code(), Some("FORBIDDEN"), "also if it was imported before");
}

#[tokio::test]
async fn the_number_of_tokens_and_the_limits_of_the_operator_hold() {
    let server = start().await;
    for number in [0, 1_001] {
        assert_eq!(refused(&server.admin, json!(vec![json!({ "name": "a" }); number])).await.1, "tokens");
    }
    let many: Vec<Value> = (0..1_000)
        .map(|number| json!({ "sha256": sha256(&number.to_string()), "format": "plain", "name": "a" }))
        .collect();
    let imported = import(&server.admin, json!(many)).await;
    assert_eq!(imported.body["data"]["importAPITokens"]["imports"].as_array().unwrap().len(), 1_000);

    let limits = Limits { require_expiry: true, ..Limits::default() };
    let strict = Server::start_importing(formats(), Policy { limits, ..Policy::default() }).await;
    assert_eq!(refused(&strict.admin, json!([plain(VALUE, "a")])).await.1, "expiresAt");
    let plain_server = Server::start().await;
    assert_eq!(refused(&plain_server.admin, json!([plain(VALUE, "a")])).await.1, "format");
}

#[tokio::test]
async fn concurrent_imports_of_the_same_tokens_import_each_once() {
    let server = start().await;
    let replica = server.replica().await;
    let tokens: Vec<Value> = (0..50)
        .map(|number| json!({ "sha256": sha256(&number.to_string()), "format": "plain", "name": "a" }))
        .collect();
    let at = |url: &str| {
        let (client, tokens) = (server.admin.at(url), json!(tokens));
        async move { import(&client, tokens).await.body["data"]["importAPITokens"]["imports"].clone() }
    };
    let answers =
        futures_util::future::join_all([at(&server.url), at(&replica.url), at(&server.url), at(&replica.url)]).await;
    let new = |answer: &Value| answer.as_array().unwrap().iter().filter(|import| import["isNew"] == true).count();
    assert_eq!(answers.iter().map(new).sum::<usize>(), 50);
    let ids = |answer: &Value| answer.as_array().unwrap().iter().map(|import| import["id"].clone()).collect::<Vec<_>>();
    assert!(answers.iter().all(|answer| ids(answer) == ids(&answers[0])));
}
