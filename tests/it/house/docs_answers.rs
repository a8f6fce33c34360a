//! The answers that pages show are those of the server, to the letter.

use serde_json::{Value, json};

use super::docs::{fenced, text_of};
use crate::support::clock::SECOND;
use crate::support::server::Server;

/// The one JSON document that a page shows.
fn shown(name: &str) -> Value {
    serde_json::from_str(&fenced(&text_of(name), "json").join("\n")).unwrap()
}

#[tokio::test]
async fn the_error_that_the_page_of_errors_shows_is_the_one_of_the_server() {
    let server = Server::start().await;
    let body = json!({ "query": "{ apiTokens(first: 0) { edges { node { id } } } }" });
    let answer = server.admin.rest("POST", "/graphql", body).await;
    assert_eq!(answer.body, shown("docs/errors.md"));
}

#[tokio::test]
async fn the_user_of_a_value_that_the_page_of_rotation_shows_is_as_the_server_answers() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    for offset in [0, 30 * SECOND] {
        server.clock.set(offset);
        let request = token.client.request("GET", "/verify").header("User-Agent", "orders/1.4.2");
        assert_eq!(request.header("X-Forwarded-For", "203.0.113.9").send().await.unwrap().status(), 200);
    }
    let query = "query($id: ID!) { apiToken(id: $id) { values { users {
        address userAgent firstSeenAt lastSeenAt count } } } }";
    let answer = server.admin.graphql(query, json!({ "id": token.id })).await;
    assert_eq!(answer.body["data"]["apiToken"]["values"][0]["users"], json!([shown("docs/rotation.md")]));
}

#[tokio::test]
async fn the_readiness_that_the_page_of_operating_shows_has_the_checks_of_the_server() {
    let server = Server::start().await;
    let mut shown = shown("docs/operations.md");
    let answer = server.anonymous().rest("GET", "/readyz", Value::Null).await.body;
    // What they are here depends on whether the database was polled yet.
    assert_eq!(shown["ready"].take(), json!(true));
    for (check, passed) in shown["checks"].as_object_mut().unwrap() {
        assert_eq!(passed.take(), json!(true), "{check}");
    }
    assert!(shown.as_object().unwrap().keys().eq(answer.as_object().unwrap().keys()), "{answer}");
    let checks = |readiness: &Value| readiness["checks"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(checks(&shown), checks(&answer));
}
