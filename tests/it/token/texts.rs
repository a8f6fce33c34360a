//! Texts that people write: which are refused and why, at every endpoint that takes one. What is a good text is a table beside
//! the rule, `src/domain/text/display_text.rs`.

use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::verification::{ENDPOINTS, Question};

/// Words in which the prefix of a value stands.
const WORDS: [&str; 3] = ["network_administration", "fork_configuration", "rkpub_authentication"];

/// Creates, clones and updates with this setting, by GraphQL and REST: the field that each way refuses.
async fn set(server: &Server, id: &str, setting: &str, value: &Value) -> Vec<Option<String>> {
    let input = |fixed: Value| {
        let mut input = fixed;
        input[setting] = value.clone();
        input
    };
    let create = "mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token { id } } }";
    let update = "mutation($input: UpdateAPITokenInput!) { updateAPIToken(input: $input) { token { id } } }";
    let mut refused = Vec::new();
    for (query, fixed) in [
        (create, json!({ "name": "n" })),
        (create, json!({ "name": "n", "cloneSettingsFrom": id })),
        (update, json!({ "id": id })),
    ] {
        let answer = server.admin.graphql(query, json!({ "input": input(fixed) })).await;
        assert_eq!(answer.code().is_some(), answer.field().is_some(), "{}", answer.body);
        refused.push(answer.field().map(str::to_owned));
    }
    for (path, fixed) in [("/api-tokens".to_owned(), json!({ "name": "n" })), (format!("/api-tokens/{id}"), json!({}))]
    {
        let answer = server.admin.rest("POST", &path, input(fixed)).await;
        assert_eq!(answer.status < 300, answer.body["field"].is_null(), "{}", answer.body);
        refused.push(answer.body["field"].as_str().map(str::to_owned));
    }
    refused
}

/// What [`set`] gives where every way does the same.
fn every(field: Option<&str>) -> Vec<Option<String>> {
    vec![field.map(str::to_owned); 5]
}

#[tokio::test]
async fn a_setting_is_refused_for_a_whole_value_in_it_and_not_for_an_ordinary_word() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "kind": "PUBLIC" })).await.unwrap();
    let values = [token.client.value.clone().unwrap(), server.admin.value.clone().unwrap()];
    for setting in ["name", "owner", "description", "scopes"] {
        let written = |text: &str| if setting == "scopes" { json!(["read", text]) } else { json!(text) };
        for word in WORDS {
            assert_eq!(set(&server, &token.id, setting, &written(word)).await, every(None), "{setting}: {word}");
        }
        for value in &values {
            for text in [value.clone(), format!("a:{value}"), format!("{value}.b"), format!("net{value}work")] {
                let refused = set(&server, &token.id, setting, &written(&text)).await;
                assert_eq!(refused, every(Some(setting)), "{setting}");
            }
        }
    }
    let found =
        server.admin.ask("{ apiTokens(filter: { name: \"network_admin\" }) { edges { node { name } } } }").await;
    assert_eq!(found.body["data"]["apiTokens"]["edges"][0]["node"]["name"], "network_administration");
}

#[tokio::test]
async fn an_ordinary_word_is_a_scope_wherever_one_is_required() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "scopes": WORDS })).await.unwrap();
    for endpoint in ENDPOINTS {
        let answer = Question { scopes: &WORDS, ..Question::of(&token.client) }.ask(&server.admin, endpoint).await;
        assert_eq!((answer.status, answer.code()), (200, None), "{endpoint}: {}", answer.body);
        let reported = answer.body.to_string();
        assert!(!reported.contains("false"), "{endpoint}: {reported}");
    }
}

#[tokio::test]
async fn an_ordinary_word_appears_in_errors_as_it_was_written() {
    let server = Server::start().await;
    let word = WORDS[0];
    let answer = server.admin.ask(&format!("{{ {word}: apiToken(id: \"x\") {{ id }} }}")).await;
    assert_eq!(answer.body["errors"][0]["path"], json!([word]));
    let answer = server.admin.ask(&format!("{{ {word} }}")).await;
    assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains(word), "{}", answer.body);
    let query = format!("query(${word}: Int!) {{ apiTokens(first: ${word}) {{ edges {{ cursor }} }} }}");
    assert_eq!(server.admin.ask(&query).await.field(), Some(word));
    let answer = server.admin.rest("POST", "/api-tokens", json!({ "name": "n", word: 1 })).await;
    assert_eq!(answer.refusal(), (400, "BAD_USER_INPUT", Some(word)));
}

#[tokio::test]
async fn a_name_is_visible_on_one_line_and_overrides_no_text_direction() {
    let server = Server::start().await;
    let id = server.admin.create(json!({ "name": "n" })).await.unwrap().id;
    for setting in ["name", "owner"] {
        for text in
            ["", " ", "\u{200B}", "\u{3164}", "\u{2800}\u{FE0F}", "a\u{2028}b", "a\u{85}b", "\u{202E}a", "a\u{2067}"]
        {
            let refused = set(&server, &id, setting, &json!(text)).await;
            assert_eq!(refused, every(Some(setting)), "{text:?}");
        }
        for text in ["👩\u{200D}👩\u{200D}👧", "عربي", "שלום", "می\u{200C}خواهم", "e\u{301}"] {
            assert_eq!(set(&server, &id, setting, &json!(text)).await, every(None), "{text:?}");
        }
    }
    let turned = set(&server, &id, "description", &json!("first\nsecond \u{202E}third")).await;
    assert_eq!(turned, every(Some("description")));
    assert_eq!(set(&server, &id, "description", &json!("first\r\nsecond\u{2028}third")).await, every(None));
}

#[tokio::test]
async fn a_user_agent_is_kept_as_one_line_without_what_may_be_a_value() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let typo = value.chars().rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect::<String>();
    for (sent, kept) in [
        ("network_administration/1.0", "network_administration/1.0"),
        (value.as_str(), "rk_…"),
        (typo.as_str(), "rk_…"),
        ("a\u{2028}b\u{202E}c\u{85}", "a\u{FFFD}b\u{FFFD}c\u{FFFD}"),
    ] {
        let created = server.admin.create(json!({ "name": "n", "allowedCIDRBlocks": ["192.0.2.0/24"] })).await.unwrap();
        let agent = reqwest::header::HeaderValue::from_bytes(sent.as_bytes()).unwrap();
        let request = created.client.request("POST", "/graphql").header("User-Agent", agent);
        let refused = request.json(&json!({ "query": "{ currentAPIToken { id } }" })).send().await.unwrap();
        assert_eq!(refused.status(), 403);
        let query = "query($id: ID!) { auditEvents(filter: { tokenId: $id }) { edges { node { userAgent } } } }";
        let events = server.admin.graphql(query, json!({ "id": created.id })).await;
        let edges = events.body["data"]["auditEvents"]["edges"].as_array().unwrap();
        let agents: Vec<_> = edges.iter().filter_map(|edge| edge["node"]["userAgent"].as_str()).collect();
        assert_eq!(agents, [kept]);
    }
}
