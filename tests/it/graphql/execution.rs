//! What is run of a document and how its answer is shaped: sections 6 and 7 of the GraphQL specification.

use serde_json::{Value, json};

use crate::support::server::Server;

#[tokio::test]
async fn fields_are_answered_in_the_order_in_which_they_are_asked() {
    let server = Server::start().await;
    let query = "{ c: auditEvents { edges { cursor } } ...f a: currentAPIToken { name id } __typename }
        fragment f on Query { b: apiTokens { edges { cursor } } c: auditEvents { pageInfo { hasNextPage } } }";
    let request = server.admin.request("POST", "/graphql").json(&json!({ "query": query }));
    let text = request.send().await.unwrap().text().await.unwrap();
    let at = |key: &str| text.find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("no {key} in {text}"));
    let keys = ["c", "edges", "pageInfo", "b", "a", "name", "id", "__typename"].map(at);
    assert!(keys.is_sorted(), "{text}");
}

#[tokio::test]
async fn a_field_that_is_written_twice_is_run_once() {
    let server = Server::start().await;
    let query = "mutation { createAPIToken(input: { name: \"one\" }) { token { id } }
        createAPIToken(input: { name: \"one\" }) { token { name value } } ...again }
        fragment again on Mutation { createAPIToken(input: { name: \"one\" }) { token { generation } } }";
    let token = server.admin.ask(query).await.body["data"]["createAPIToken"]["token"].clone();
    assert_eq!((&token["name"], &token["generation"]), (&json!("one"), &json!(1)));
    assert!(token["id"].is_string() && token["value"].is_string());
    let listed = server.admin.ask("{ apiTokens(filter: { name: \"one\" }) { edges { cursor } } }").await;
    assert_eq!(listed.body["data"]["apiTokens"]["edges"].as_array().map(Vec::len), Some(1));
    // So is a rotation, which a document may not ask for twice.
    let twice = "mutation { rotateAPIToken { token { generation } } rotateAPIToken { token { generation } } }";
    assert_eq!(
        server.admin.ask(twice).await.body,
        json!({ "data": { "rotateAPIToken": { "token": { "generation": 2 } } } })
    );
}

#[tokio::test]
async fn what_is_skipped_is_neither_run_nor_answered() {
    let server = Server::start().await;
    let query = "query($no: Boolean = false, $yes: Boolean!) {
        currentAPIToken @include(if: $yes) { id @skip(if: true) createdBy { kind @include(if: $no) } ... @include(if: $no) { name } }
        apiToken(id: \"nothing\") @skip(if: $yes) { id }
        ...f @include(if: $no) } fragment f on Query { auditEvents { edges { cursor } } }";
    let answer = server.admin.graphql(query, json!({ "yes": true })).await;
    assert_eq!(answer.body, json!({ "data": { "currentAPIToken": { "createdBy": {} } } }));
    let all = "{ currentAPIToken @skip(if: true) { id } }";
    assert_eq!(server.admin.ask(all).await.body, json!({ "data": {} }));
    let empty = "{ currentAPIToken { id @skip(if: true) } }";
    assert_eq!(server.admin.ask(empty).await.body, json!({ "data": { "currentAPIToken": {} } }));
    let once = "mutation($no: Boolean = false) { a: rotateAPIToken @include(if: $no) { token { id } }
        b: rotateAPIToken { token { generation } } }";
    assert_eq!(server.admin.ask(once).await.body["data"], json!({ "b": { "token": { "generation": 2 } } }));
}

#[tokio::test]
async fn a_failed_field_that_may_not_be_null_makes_the_data_null() {
    let server = Server::start().await;
    let answer = server.admin.ask("{ currentAPIToken { id } apiTokens(first: 0) { edges { cursor } } }").await;
    assert_eq!(answer.body["data"], Value::Null);
    assert_eq!(answer.body["errors"][0]["path"], json!(["apiTokens"]));
    assert_eq!(answer.body["errors"].as_array().map(Vec::len), Some(1));
    let nullable = server.admin.ask("{ currentAPIToken { name } x: apiToken(id: \"nothing\") { id } }").await;
    assert_eq!(nullable.body["data"]["x"], Value::Null);
    assert!(nullable.body["data"]["currentAPIToken"].is_object());
}

#[tokio::test]
async fn no_mutation_is_run_after_one_that_failed() {
    let server = Server::start().await;
    let query = "mutation { a: revokeAPIToken(input: { id: \"nothing\" }) { token { id } }
        b: createAPIToken(input: { name: \"late\" }) { token { id value } } }";
    let answer = server.admin.ask(query).await;
    assert_eq!(answer.body["data"], Value::Null);
    assert_eq!((answer.code(), answer.body["errors"].as_array().map(Vec::len)), (Some("NOT_FOUND"), Some(1)));
    let listed = server.admin.ask("{ apiTokens(filter: { name: \"late\" }) { edges { cursor } } }").await;
    assert_eq!(listed.body["data"]["apiTokens"]["edges"], json!([]));
}

#[tokio::test]
async fn an_issued_value_is_returned_whatever_fails_after_it() {
    let server = Server::start().await;
    let query = "mutation { a: rotateAPIToken(input: { overlapMinutes: 0 }) { token { value } }
        b: revokeAPIToken(input: { id: \"nothing\" }) { token { id } }
        c: createAPIToken(input: { name: \"late\" }) { token { id } } }";
    let answer = server.admin.ask(query).await;
    assert_eq!(answer.code(), Some("NOT_FOUND"));
    assert_eq!((&answer.body["data"]["b"], &answer.body["data"]["c"]), (&Value::Null, &Value::Null));
    let value = answer.body["data"]["a"]["token"]["value"].as_str().unwrap();
    assert_eq!(server.admin.with(value).check().await, Ok(2));
}
