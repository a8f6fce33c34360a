//! The bounds of what a GraphQL request may ask for. Each is a setting; one more than it is refused with words that say so.

use std::time::Duration;

use rotakey::graphql::{Introspection, Settings};
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::client::Answer;
use crate::support::server::Server;

async fn limited(settings: Settings) -> Server {
    Server::start_graphql(settings).await
}

async fn refusal(server: &Server, query: &str) -> Option<String> {
    let answer = server.admin.ask(query).await;
    assert!(answer.code().is_none_or(|code| code == "GRAPHQL_VALIDATION_FAILED"), "{}", answer.body);
    assert!(answer.code().is_none() || answer.body.get("data").is_none());
    answer.body["errors"][0]["message"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn depth_aliases_directives_and_tokens_are_bounded() {
    let nested = "{ currentAPIToken { createdBy { kind } } }";
    let aliased = "{ a: __typename b: __typename }";
    let directed = "{ __typename @skip(if: false) @include(if: true) }";
    let settings = Settings::default();
    for (query, good, bad, message) in [
        (nested, Settings { max_depth: 3, ..settings }, Settings { max_depth: 2, ..settings }, "2 deep"),
        (
            aliased,
            Settings { max_aliases: 2, ..settings },
            Settings { max_aliases: 1, ..settings },
            "at most 1 aliases",
        ),
        (
            directed,
            Settings { max_directives: 2, ..settings },
            Settings { max_directives: 1, ..settings },
            "at most 1 directives",
        ),
        (
            "{__typename}",
            Settings { max_tokens: 8, ..settings },
            Settings { max_tokens: 2, ..settings },
            "at most 2 tokens",
        ),
    ] {
        assert_eq!(refusal(&limited(good).await, query).await, None, "{query}");
        let told = refusal(&limited(bad).await, query).await.unwrap();
        assert!(told.contains(message), "{told}");
    }
}

#[tokio::test]
async fn the_cost_of_a_page_grows_with_its_size() {
    // 10 for the root; 25, or as many as are asked for, times edges, node and id.
    for (page, variables, cost) in [
        ("", json!({}), 10 + 25 * 3),
        ("(first: 7)", json!({}), 10 + 7 * 3),
        ("(last: 8)", json!({}), 10 + 8 * 3),
        ("(first: $n)", json!({ "n": 9 }), 10 + 9 * 3),
        ("(first: $n)", json!({}), 10 + 4 * 3),
        ("(first: $n)", json!({ "n": 200 }), 10 + 200 * 3),
    ] {
        let declared = if page.contains("$n") { "($n: Int = 4)" } else { "" };
        let query = format!(
            "query{declared} {{ apiTokens{page} {{ ...f }} }} fragment f on APITokenConnection {{ edges {{ node {{ id }} }} }}"
        );
        let server = limited(Settings { max_cost: cost, ..Settings::default() }).await;
        assert_eq!(server.admin.graphql(&query, variables.clone()).await.code(), None, "{query} {variables}");
        let server = limited(Settings { max_cost: cost - 1, ..Settings::default() }).await;
        let answer = server.admin.graphql(&query, variables.clone()).await;
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(&format!("costs {cost}")), "{message}");
    }
    let every_field = "{ apiTokens(first: 200) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node {
        id name description owner kind status permissions scopes allowedCIDRBlocks allowedOrigins generation
        values { hint generation createdAt firstUsedAt replacedAt retiresAt } createdAt createdBy { kind id } updatedAt updatedBy { kind id }
        rotatedAt rotatedBy { kind id } lastUsedAt expiresAt rotationPeriodMinutes rotateBy overlapMinutes overlapStarts onReuse protected
        revokedAt value } } } }";
    assert_eq!(
        refusal(&Server::start().await, every_field).await,
        None,
        "the largest page with every field is answered"
    );
}

#[tokio::test]
async fn a_body_of_one_byte_too_many_is_not_read() {
    let body = json!({ "query": "{ __typename }" }).to_string();
    for (limit, status) in [(body.len(), 200), (body.len() - 1, 413)] {
        let server = Server::start_reading(limit).await;
        let request = server.anonymous().request("POST", "/graphql").header("Content-Type", "application/json");
        let answer = Answer::of(request.body(body.clone()).send().await.unwrap()).await;
        assert_eq!(answer.status, status, "{limit}");
    }
}

#[tokio::test]
async fn an_operation_that_takes_too_long_is_given_up() {
    let operation_timeout = Duration::from_millis(20);
    let server = limited(Settings { operation_timeout, ..Settings::default() }).await;
    let replica = server.replica().await;
    let patient = server.admin.at(&replica.url);
    patient.check().await.unwrap();
    let connection = server.database.connect().await;
    let sql =
        if server.database.is_sqlite() { "BEGIN IMMEDIATE" } else { "BEGIN; LOCK TABLE api_token IN EXCLUSIVE MODE" };
    connection.execute_unprepared(sql).await.unwrap();
    let query = "mutation { createAPIToken(input: { name: \"x\" }) { token { id } } }";
    let answer = server.admin.ask(query).await;
    assert_eq!((answer.status, answer.code()), (503, Some("UNAVAILABLE")));
    assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains("given up"), "{}", answer.body);
    connection.execute_unprepared("ROLLBACK").await.unwrap();
    let listed = patient.ask("{ apiTokens(filter: { name: \"x\" }) { edges { cursor } } }").await;
    assert_eq!(listed.body["data"]["apiTokens"]["edges"], json!([]), "and was not done");
}

#[tokio::test]
async fn the_schema_is_shown_to_whom_the_operator_wants() {
    let questions = ["{ __schema { queryType { name } } }", "query { __type(name: \"Query\") { name } __typename }"];
    for (introspection, anonymous, holder) in [
        (Introspection::Public, None, None),
        (Introspection::Authenticated, Some("UNAUTHENTICATED"), None),
        (Introspection::Off, Some("GRAPHQL_VALIDATION_FAILED"), Some("GRAPHQL_VALIDATION_FAILED")),
    ] {
        let server = limited(Settings { introspection, ..Settings::default() }).await;
        for query in questions {
            assert_eq!(server.anonymous().ask(query).await.code(), anonymous, "{introspection:?} {query}");
            assert_eq!(server.admin.ask(query).await.code(), holder, "{introspection:?} {query}");
        }
        assert_eq!(server.anonymous().ask("{ __typename }").await.code(), None);
        let told = refusal(&server, "{ currentApiToken { id } }").await.unwrap();
        assert_eq!(told.contains("Did you mean"), introspection != Introspection::Off, "{told}");
        let schema = |client: &crate::support::client::Client| client.request("GET", "/schema.graphql").send();
        let statuses =
            (schema(&server.anonymous()).await.unwrap().status(), schema(&server.admin).await.unwrap().status());
        let expected = match introspection {
            Introspection::Public => (200, 200),
            Introspection::Authenticated => (401, 200),
            Introspection::Off => (404, 404),
        };
        assert_eq!((statuses.0.as_u16(), statuses.1.as_u16()), expected);
    }
}
