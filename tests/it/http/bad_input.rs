//! Every bad input gets a clear error with a code and, where it applies, the field; and nothing is written.

use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::server::Server;

const CREATE: &str = "mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token { id } } }";

async fn count(server: &Server) -> usize {
    let answer = server.admin.ask("{ apiTokens(first: 200) { edges { cursor } } }").await;
    answer.body["data"]["apiTokens"]["edges"].as_array().unwrap().len()
}

fn code_and_field(answer: &Answer) -> (Option<&str>, Option<&str>) {
    (answer.code(), answer.field())
}

#[tokio::test]
async fn bad_settings_name_their_field_and_write_nothing() {
    let server = Server::start().await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!(" \t ")),
        ("name", json!("n".repeat(256))),
        ("name", json!("nul\u{0}")),
        ("owner", json!("")),
        ("description", json!("d".repeat(2_001))),
        ("scopes", json!(["read write"])),
        ("scopes", json!(["say \"hi\""])),
        ("scopes", json!([""])),
        ("expiresAt", json!("2026-01-01T00:00:00Z")),
        ("expiresAt", json!("2025-12-31T23:59:59.999Z")),
        ("rotationPeriodMinutes", json!(0)),
        ("overlapMinutes", json!(-1)),
    ] {
        let mut input = json!({ "name": "good" });
        input[field] = value.clone();
        let answer = server.admin.graphql(CREATE, json!({ "input": input })).await;
        assert_eq!(code_and_field(&answer), (Some("BAD_USER_INPUT"), Some(field)), "{field}: {value}");
    }
    assert_eq!(count(&server).await, 1, "nothing was written");
    let longest = json!({ "name": "n".repeat(255) });
    assert_eq!(server.admin.graphql(CREATE, json!({ "input": longest })).await.code(), None);
}

#[tokio::test]
async fn inputs_of_a_wrong_type_are_refused_before_anything_runs() {
    let server = Server::start().await;
    for input in [
        json!({}),
        json!({ "name": 5 }),
        json!({ "name": "x", "kind": "SECRET" }),
        json!({ "name": "x", "expiresAt": "tomorrow" }),
        json!({ "name": "x", "expiresAt": 5 }),
        json!({ "name": "x", "rotationPeriodMinutes": 1.5 }),
        json!({ "name": "x", "colour": "red" }),
    ] {
        let answer = server.admin.graphql(CREATE, json!({ "input": input })).await;
        assert_eq!(answer.code(), Some("BAD_USER_INPUT"), "{input}: {}", answer.body);
        assert_eq!(answer.body.get("data"), None, "nothing was executed");
    }
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn bad_pages_name_their_argument() {
    let server = Server::start().await;
    let cursor_by_name = server
        .admin
        .ask("{ apiTokens(orderBy: { field: NAME, direction: ASC }) { edges { cursor } } }")
        .await
        .body["data"]["apiTokens"]["edges"][0]["cursor"]
        .clone();
    for (arguments, field) in [
        ("first: 0", "first"),
        ("first: -1", "first"),
        ("first: 201", "first"),
        ("last: 0", "last"),
        ("last: 201", "last"),
        ("first: 1, last: 1", "last"),
        ("after: \"\"", "after"),
        ("after: \"!\"", "after"),
        ("after: \"bm8\"", "after"),
        ("before: \"eyJvcmRlciI6ImNyZWF0ZWQifQ\"", "before"),
        (&format!("after: {cursor_by_name}"), "after"),
        ("filter: { name: \"\\u0000\" }", "name"),
        ("filter: { owner: \"\\u0000\" }", "owner"),
    ] {
        let answer = server.admin.ask(&format!("{{ apiTokens({arguments}) {{ edges {{ cursor }} }} }}")).await;
        assert_eq!(code_and_field(&answer), (Some("BAD_USER_INPUT"), Some(field)), "{arguments}: {}", answer.body);
    }
}

#[tokio::test]
async fn an_unknown_id_is_not_found() {
    let server = Server::start().await;
    for id in ["", "tok_", "tok_00000000000000000000000000", "evt_00000000000000000000000000", "nul\u{0}", "1"] {
        for query in [
            "query($id: ID!) { apiToken(id: $id) { id } }",
            "mutation($id: ID!) { rotateAPIToken(input: { id: $id }) { token { id } } }",
            "mutation($id: ID!) { revokeAPIToken(input: { id: $id }) { token { id } } }",
        ] {
            let answer = server.admin.graphql(query, json!({ "id": id })).await;
            assert_eq!(code_and_field(&answer), (Some("NOT_FOUND"), Some("id")), "{id:?} {query}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_a_graphql_request_is_refused() {
    let server = Server::start().await;
    let too_large = format!("{{\"query\":\"{}\"}}", " ".repeat(1024 * 1024));
    for (content_type, body, status) in [
        ("application/json", "", 400),
        ("application/json", "{", 400),
        ("application/json", "\u{feff}{}", 400),
        ("application/json", "null", 400),
        ("application/json", "[]", 400),
        ("application/json", "{}", 400),
        ("application/json", r#"{"query":null}"#, 400),
        ("application/json", r#"{"query":"{ __typename }","variables":[]}"#, 400),
        ("application/json", r#"{"query":"{ __typename }","variables":"x"}"#, 400),
        ("application/json", r#"{"query":"{ __typename }","operationName":1}"#, 400),
        ("application/json", too_large.as_str(), 413),
        ("text/plain", r#"{"query":"{ __typename }"}"#, 415),
        ("application/x-www-form-urlencoded", "query={__typename}", 415),
        ("", r#"{"query":"{ __typename }"}"#, 415),
    ] {
        let request =
            server.admin.request("POST", "/graphql").header("Content-Type", content_type).body(body.to_owned());
        let answer = Answer::of(request.send().await.unwrap()).await;
        let shown: String = body.chars().take(60).collect();
        assert_eq!((answer.status, answer.code()), (status, Some("BAD_USER_INPUT")), "{content_type} {shown}");
    }
}

#[tokio::test]
async fn a_document_that_is_not_graphql_says_so() {
    let server = Server::start().await;
    let deep = format!("{{ {} }}", "a { ".repeat(5_000));
    for (query, code) in [
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("mutation rotateAPIToken(( { rotateAPIToken }", "GRAPHQL_PARSE_FAILED"),
        (deep.as_str(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ currentAPIToken }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ apiToken { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        for (accept, status) in [("application/json", 200), ("application/graphql-response+json", 400)] {
            let body = json!({ "query": query });
            let request = server.admin.request("POST", "/graphql").header("Accept", accept).json(&body);
            let answer = Answer::of(request.send().await.unwrap()).await;
            let shown: String = query.chars().take(60).collect();
            assert_eq!((answer.status, answer.code()), (status, Some(code)), "{shown}: {}", answer.body);
            assert!(answer.header("Content-Type").unwrap().starts_with(accept));
        }
    }
}

#[tokio::test]
async fn an_unknown_path_or_method_is_refused_with_a_code() {
    let server = Server::start().await;
    for (method, path, status, code) in [
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("GET", "/playground/nothing.js", 404, "NOT_FOUND"),
        ("GET", "/playground/../Cargo.toml", 404, "NOT_FOUND"),
        ("GET", "/playground/%ff", 404, "NOT_FOUND"),
        ("GET", "/graphql", 400, "BAD_USER_INPUT"),
        ("DELETE", "/graphql", 405, "BAD_USER_INPUT"),
    ] {
        let answer = Answer::of(server.anonymous().request(method, path).send().await.unwrap()).await;
        assert_eq!((answer.status, answer.code()), (status, Some(code)), "{method} {path}");
    }
}

#[tokio::test]
async fn a_field_that_fails_leaves_the_others_of_a_query_standing() {
    let server = Server::start().await;
    let answer = server.admin.ask("{ __typename missing: apiToken(id: \"tok_0\") { id } }").await;
    assert_eq!(answer.body["data"], json!({ "__typename": "Query", "missing": Value::Null }));
    assert_eq!(answer.code(), Some("NOT_FOUND"));
}
