//! How a request says who is calling.

use serde_json::json;

use crate::support::client::Answer;
use crate::support::server::Server;

const ME: &str = "{ currentAPIToken { name } }";

async fn send(server: &Server, headers: &[(&str, &str)]) -> Answer {
    let request = server.anonymous().request("POST", "/graphql").json(&json!({ "query": ME }));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_value_is_taken_from_either_header() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let bearer = format!("Bearer {value}");
    for headers in [
        vec![("X-API-Key", value.as_str())],
        vec![("Authorization", bearer.as_str())],
        vec![("x-api-key", value.as_str()), ("authorization", bearer.as_str())],
    ] {
        let answer = send(&server, &headers).await;
        assert_eq!(answer.body["data"]["currentAPIToken"]["name"], json!("admin"));
    }
}

#[tokio::test]
async fn two_different_values_are_a_400() {
    let server = Server::start().await;
    let other = server.admin.create(json!({ "name": "other" })).await.unwrap();
    let bearer = format!("Bearer {}", other.client.value.unwrap());
    let answer =
        send(&server, &[("X-API-Key", server.admin.value.as_deref().unwrap()), ("Authorization", &bearer)]).await;
    assert_eq!((answer.status, answer.code()), (400, Some("BAD_USER_INPUT")));
}

#[tokio::test]
async fn a_bad_credential_is_a_401_with_an_errors_body_and_never_anonymous() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    let truncated = &value[..value.len() - 1];
    // Well-formed, but no token's: another server's.
    let foreign = rotakey::domain::value::Value::from_entropy(rotakey::domain::token::TokenKind::Private, &[7; 32]);
    let basic = format!("Basic {value}");
    for headers in [
        [("X-API-Key", truncated)],
        [("X-API-Key", "hello")],
        [("X-API-Key", foreign.expose())],
        [("Authorization", "Bearer rk_0")],
        [("Authorization", basic.as_str())],
    ] {
        let answer = send(&server, &headers).await;
        assert_eq!((answer.status, answer.code()), (401, Some("UNAUTHENTICATED")), "{headers:?}");
        assert_eq!(answer.header("WWW-Authenticate"), Some(r#"Bearer realm="rotakey", error="invalid_token""#));
        assert_eq!(answer.body.get("data"), None, "nothing was executed");
    }
    // Not even what anyone may ask.
    let body = json!({ "query": "{ __typename }" });
    let answer = server.anonymous().with("hello").request("POST", "/graphql").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn without_a_credential_the_schema_can_be_read_and_nothing_else() {
    let server = Server::start().await;
    let answer = server.anonymous().ask("{ __schema { queryType { name } } }").await;
    assert_eq!(answer.body["data"]["__schema"]["queryType"]["name"], json!("Query"));
    for query in [
        ME,
        "{ apiTokens { edges { cursor } } }",
        "{ apiToken(id: \"tok_0\") { id } }",
        "mutation { rotateAPIToken { token { value } } }",
        "mutation { createAPIToken(input: { name: \"x\" }) { token { value } } }",
        "mutation { revokeAPIToken(input: { id: \"tok_0\" }) { token { id } } }",
    ] {
        let answer = server.anonymous().ask(query).await;
        assert_eq!(answer.code(), Some("UNAUTHENTICATED"), "{query}");
        assert_eq!(answer.header("WWW-Authenticate"), Some(r#"Bearer realm="rotakey""#));
    }
}
