//! The bounds of what a GraphQL request may ask for. Each is a setting; one more than it is refused with words that say so.

use std::time::Duration;

use rotakey::graphql::{Introspection, Settings};
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::client::{Answer, Client};
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
        let reported = refusal(&limited(bad).await, query).await.unwrap();
        assert!(reported.contains(message), "{reported}");
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
    // Edges and nodes each cost what they show.
    for (fields, cost) in [
        ("apiTokens(first: 7) { nodes { id } }", 10 + 7 * 2),
        ("apiTokens(first: 7) { nodes { id } edges { node { id } } }", 10 + 7 * 5),
        ("auditEvents(last: 7) { nodes { id } }", 10 + 7 * 2),
    ] {
        for (max_cost, code) in [(cost, None), (cost - 1, Some("GRAPHQL_VALIDATION_FAILED"))] {
            let server = limited(Settings { max_cost, ..Settings::default() }).await;
            assert_eq!(server.admin.ask(&format!("{{ {fields} }}")).await.code(), code, "{fields} {max_cost}");
        }
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
async fn an_operation_that_takes_too_long_times_out() {
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
    assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains("was cancelled"), "{}", answer.body);
    connection.execute_unprepared("ROLLBACK").await.unwrap();
    // Every write that was requested before has been decided when a later one is answered.
    let later = server.admin.request("POST", "/api-tokens").json(&json!({ "name": "later" })).send().await.unwrap();
    assert_eq!(later.status(), 200);
    let listed = patient.ask("{ apiTokens(filter: { name: \"x\" }) { edges { cursor } } }").await;
    assert_eq!(listed.body["data"]["apiTokens"]["edges"], json!([]), "and was not done");
}

#[tokio::test]
async fn the_schema_is_shown_to_whom_the_operator_wants() {
    let questions = ["{ __schema { queryType { name } } }", "query { __type(name: \"Query\") { name } __typename }"];
    for (introspection, anonymous, holder) in [
        (Introspection::Public, None, None),
        (Introspection::Authenticated, Some("UNAUTHENTICATED"), None),
        (Introspection::Off, Some("UNAUTHENTICATED"), Some("GRAPHQL_VALIDATION_FAILED")),
    ] {
        let server = limited(Settings { introspection, ..Settings::default() }).await;
        for query in questions {
            assert_eq!(server.anonymous().ask(query).await.code(), anonymous, "{introspection:?} {query}");
            assert_eq!(server.admin.ask(query).await.code(), holder, "{introspection:?} {query}");
        }
        let reported = refusal(&server, "{ currentApiToken { id } }").await.unwrap();
        assert_eq!(reported.contains("Did you mean"), introspection != Introspection::Off, "{reported}");
        for path in ["/schema.graphql", "/openapi.json"] {
            let read = |client: &Client| client.request("GET", path).send();
            let statuses = (read(&server.anonymous()).await.unwrap(), read(&server.admin).await.unwrap());
            let expected = match introspection {
                Introspection::Public => (200, 200),
                Introspection::Authenticated => (401, 200),
                Introspection::Off => (404, 404),
            };
            assert_eq!((statuses.0.status().as_u16(), statuses.1.status().as_u16()), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn a_description_is_answered_as_every_address_of_its_kind() {
    for introspection in [Introspection::Public, Introspection::Authenticated] {
        let server = limited(Settings { introspection, ..Settings::default() }).await;
        let old = server.admin.create(json!({ "name": "n", "overlapMinutes": 5 })).await.unwrap().client;
        let new = old.with(old.rotate().await.unwrap());
        for (path, code) in [("/schema.graphql", "/errors/0/extensions/code"), ("/openapi.json", "/code")] {
            let read = async |client: &Client| client.request("GET", path).send().await.unwrap();
            let bad = Answer::of(read(&server.anonymous().with("hello")).await).await;
            assert_eq!(bad.body.pointer(code), Some(&json!("UNAUTHENTICATED")), "{path}: {}", bad.body);
            for (client, is_previous) in [(&old, true), (&new, false)] {
                let answer = read(client).await;
                let has = |name: &str| answer.headers().contains_key(name);
                assert_eq!((has("Deprecation"), has("Sunset")), (is_previous, is_previous), "{path}");
                assert_eq!(answer.headers()["Cache-Control"], "no-store", "{introspection:?} {path}");
            }
        }
    }
}

#[tokio::test]
async fn without_introspection_rest_names_only_what_was_sent() {
    let open = Server::start().await;
    let hidden = limited(Settings { introspection: Introspection::Off, ..Settings::default() }).await;
    // The names that a server with introspection adds to what was sent.
    for (method, path, body, name) in [
        ("POST", "/api-tokens", json!({ "q": 1 }), "name"),
        ("POST", "/api-tokens", json!({}), "name"),
        ("POST", "/api-tokens", json!({ "name": 1 }), "string"),
        ("POST", "/api-tokens", json!({ "name": "n", "kind": "COLOUR" }), "PRIVATE"),
        ("POST", "/api-tokens", json!({ "name": "n", "permissions": ["COLOUR"] }), "API_TOKEN_READ"),
        ("POST", "/api-tokens/self", json!({ "onReuse": "COLOUR" }), "REVOKE"),
        ("POST", "/api-tokens/self", json!({ "q": 1 }), "owner"),
        ("POST", "/api-tokens/self/rotate", json!({ "q": 1 }), "overlapMinutes"),
        ("GET", "/api-tokens?q=1", json!(null), "orderBy"),
        ("GET", "/api-tokens?status=COLOUR", json!(null), "ACTIVE"),
        ("GET", "/api-tokens?orderBy=COLOUR", json!(null), "createdAt"),
    ] {
        let reported = open.admin.rest(method, path, body.clone()).await;
        let less = hidden.admin.rest(method, path, body.clone()).await;
        assert_eq!((less.status, &less.body["code"]), (400, &reported.body["code"]), "{path} {body}");
        assert!(reported.body.to_string().contains(name), "{path} {body}: {}", reported.body);
        // The key that holds the words is itself no name.
        let words = format!("{} {}", less.body["message"], less.body["field"]);
        assert!(!words.contains(name) || body.get(name).is_some(), "{path} {body}: {words}");
    }
}

const CREATE: &str = "mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token { id } } }";

#[tokio::test]
async fn without_introspection_errors_reveal_nothing_of_the_schema() {
    let public = Server::start().await;
    for introspection in [Introspection::Authenticated, Introspection::Off] {
        let server = limited(Settings { introspection, max_batch: 2, ..Settings::default() }).await;
        // An anonymous caller gets the same answer whatever the document is, and does not even learn whether it parses.
        for query in
            ["{", "{ __typename }", "{ nothing }", "{ apiToken { id } }", CREATE, "subscription { auditEvents { id } }"]
        {
            for accept in ["application/json", "application/graphql-response+json", "text/event-stream"] {
                let request = server.anonymous().request("POST", "/graphql").header("Accept", accept);
                let answer = Answer::of(request.json(&json!({ "query": query })).send().await.unwrap()).await;
                assert_eq!((answer.status, answer.code()), (401, Some("UNAUTHENTICATED")), "{introspection:?} {query}");
            }
            let answer = server.anonymous().request("POST", "/graphql").json(&json!([{ "query": query }]));
            let answer = Answer::of(answer.send().await.unwrap()).await;
            assert_eq!(answer.body[0]["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "in a list: {query}");
        }
        assert_eq!(server.anonymous().request("GET", "/playground").send().await.unwrap().status(), 200);
    }
    let hidden = limited(Settings { introspection: Introspection::Off, ..Settings::default() }).await;
    // For each document the names in the errors of a server with introspection that were not sent.
    for (query, variables, names) in [
        ("{ currentAPIToken { colour } }", json!({}), &["APIToken`"][..]),
        ("{ currentAPITokn { id } }", json!({}), &["currentAPIToken", "Query"]),
        ("{ apiToken { id } }", json!({}), &["(id:)"]),
        ("{ apiToken(id: \"x\", colour: 1) { id } }", json!({}), &["Query."]),
        ("{ currentAPIToken }", json!({}), &[]),
        ("{ currentAPIToken { id { a } } }", json!({}), &["`ID`"]),
        ("{ apiToken(id: true) { id } }", json!({}), &["type ID"]),
        (
            "{ apiTokens(orderBy: { field: COLOUR }) { edges { cursor } } }",
            json!({}),
            &["APITokenOrderField", "direction"],
        ),
        ("{ ... on Audit { id } }", json!({}), &[]),
        ("query($id: Colour) { apiToken(id: $id) { id } }", json!({}), &[]),
        ("query($id: Int) { apiToken(id: $id) { id } }", json!({}), &["ID!"]),
        ("query($f: [ID!]) { apiTokens(filter: { status: $f }) { edges { cursor } } }", json!({}), &["APITokenStatus"]),
        ("mutation { createAPIToken(input: {}) { token { id } } }", json!({}), &["name"]),
        (
            "mutation { createAPIToken(input: { name: \"n\", kind: COLOUR }) { token { id } } }",
            json!({}),
            &["APITokenKind"],
        ),
        (CREATE, json!({ "input": {} }), &["name"]),
        (CREATE, json!({ "input": { "name": "n", "kind": "COLOUR" } }), &["PRIVATE"]),
        (CREATE, json!({ "input": { "name": 5 } }), &["String"]),
        (CREATE, json!({ "input": { "name": "n", "colour": 5 } }), &["APITokenInput."]),
        (CREATE, json!({}), &["its type"]),
    ] {
        let (open, closed) =
            (public.admin.graphql(query, variables.clone()).await, hidden.admin.graphql(query, variables).await);
        assert_eq!((open.code(), open.status), (closed.code(), closed.status), "{query}");
        assert_eq!(open.body["errors"][0]["locations"], closed.body["errors"][0]["locations"], "{query}");
        for name in names {
            assert!(told_of(&open).contains(name), "{name}: {}", told_of(&open));
            assert!(!told_of(&closed).contains(name), "{name}: {}", told_of(&closed));
        }
        for sign in ["CreateAPITokenInput", "Query", "APITokenConnection", "Did you mean"] {
            assert!(query.contains(sign) || !told_of(&closed).contains(sign), "{sign}: {}", told_of(&closed));
        }
    }
    // What is wrong with the document itself is reported in full.
    let answer = hidden.admin.ask("query($a: Int) { __typename }").await;
    assert!(told_of(&answer).contains("$a"), "{}", answer.body);
}

fn told_of(answer: &Answer) -> String {
    answer.body["errors"].to_string()
}
