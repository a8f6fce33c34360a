//! Requests that are small to send and meant to be large to answer.

use serde_json::json;

use crate::support::client::Answer;
use crate::support::server::Server;

async fn code(server: &Server, query: &str) -> Option<String> {
    let body = json!({ "query": query });
    let answer = server.anonymous().request("POST", "/graphql").json(&body).send().await.unwrap();
    Answer::of(answer).await.code().map(str::to_owned)
}

#[tokio::test]
async fn documents_that_multiply_or_never_end_are_refused_before_they_are_walked() {
    let server = Server::start().await;
    let doubling = |links: usize| {
        (0..links).map(|link| format!("fragment f{link} on Query {{ ...f{0} ...f{0} }} ", link + 1)).collect::<String>()
            + &format!("fragment f{links} on Query {{ __typename }}")
    };
    let chain = |links: usize| {
        (0..links).map(|link| format!("fragment f{link} on Query{{...f{}}}", link + 1)).collect::<String>()
            + &format!("fragment f{links} on Query{{__typename}}")
    };
    for document in [
        format!("{{ ...f0 }} {}", doubling(60)),
        format!("mutation {{ ...f0 }} {}", doubling(60).replace("Query", "Mutation")),
        format!("mutation {{ ...f0 }} {}", chain(25_000).replace("Query", "Mutation")),
        "{ ...a } fragment a on Query { ...a }".to_owned(),
        format!("{{ {} }}", (0..30_000).map(|number| format!("a{number}: __typename ")).collect::<String>()),
    ] {
        let shown: String = document.chars().take(60).collect();
        assert_eq!(code(&server, &document).await.as_deref(), Some("GRAPHQL_VALIDATION_FAILED"), "{shown}");
    }
    assert_eq!(server.admin.check().await, Ok(1), "the server is still there");
}

#[tokio::test]
async fn a_filter_with_thousands_of_the_same_is_one() {
    let server = Server::start().await;
    let statuses = vec!["ACTIVE"; 5_000];
    let actions = vec!["API_TOKEN_CREATED"; 5_000];
    let query = "query($s: [APITokenStatus!], $a: [AuditAction!]) {
        apiTokens(filter: { status: $s }) { edges { cursor } } auditEvents(filter: { actions: $a }) { edges { cursor } } }";
    let answer = server.admin.graphql(query, json!({ "s": statuses, "a": actions })).await;
    assert_eq!(answer.code(), None, "{}", answer.body);
    assert_eq!(answer.body["data"]["apiTokens"]["edges"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_name_to_search_for_is_no_longer_than_a_name() {
    let server = Server::start().await;
    for (length, code) in [(255, None), (256, Some("BAD_USER_INPUT")), (60_000, Some("BAD_USER_INPUT"))] {
        let query = "query($name: String) { apiTokens(filter: { name: $name }) { edges { cursor } } }";
        let answer = server.admin.graphql(query, json!({ "name": "n".repeat(length) })).await;
        assert_eq!(answer.code(), code, "{length}");
    }
}
