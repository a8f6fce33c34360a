//! GraphQL over HTTP: media types, status codes, GET, lists of requests, persisted queries, and what a browser may send.
//! The public audit of the same is run by `tests/graphql-conformance`.

use reqwest::header::HeaderMap;
use rotakey::graphql::Settings;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::client::{Answer, Client};
use crate::support::server::Server;

const JSON: &str = "application/json";
const MODERN: &str = "application/graphql-response+json";
const STREAM: &str = "text/event-stream";

async fn post(client: &Client, accept: &str, body: &Value) -> Answer {
    let request = client.request("POST", "/graphql").header("Accept", accept).json(body);
    Answer::of(request.send().await.unwrap()).await
}

async fn get(client: &Client, parameters: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let request = client.request("GET", &format!("/graphql?{query}"));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Answer::of(request.send().await.unwrap()).await
}

fn media_type(headers: &HeaderMap) -> &str {
    headers["content-type"].to_str().unwrap().split(';').next().unwrap()
}

#[tokio::test]
async fn the_status_speaks_of_the_document_in_the_newer_media_type_only() {
    let server = Server::start().await;
    for (query, json_status, modern_status) in [
        ("{ __typename }", 200, 200),
        ("{ apiToken(id: \"nothing\") { id } }", 200, 200),
        ("{ apiTokens(first: 0) { edges { cursor } } }", 200, 200),
        ("{ nothing }", 200, 400),
        ("{", 200, 400),
        ("query($a: ID!) { apiToken(id: $a) { id } }", 200, 400),
    ] {
        for (accept, status) in [(JSON, json_status), (MODERN, modern_status), ("*/*", json_status)] {
            let answer = post(&server.admin, accept, &json!({ "query": query })).await;
            let expected = if accept == MODERN { MODERN } else { JSON };
            assert_eq!((answer.status, media_type(&answer.headers)), (status, expected), "{accept} {query}");
        }
    }
    let answer = post(&server.admin, "text/html", &json!({ "query": "{ __typename }" })).await;
    assert_eq!((answer.status, answer.code()), (406, Some("BAD_USER_INPUT")));
}

/// What clients send by default, and how they are answered.
const ACCEPTED: [(&str, &str, &str); 12] = [
    (
        "urql",
        "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
        MODERN,
    ),
    ("Apollo Client 4", "application/graphql-response+json,application/json;q=0.9", MODERN),
    (
        "Apollo Client 3",
        "multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9",
        MODERN,
    ),
    ("Apollo Client 3, early", "*/*", JSON),
    ("Relay's examples", "application/json", JSON),
    ("graphql-request", "application/graphql-response+json, application/json", MODERN),
    ("graffle", "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", MODERN),
    ("GraphiQL", "application/json, multipart/mixed", JSON),
    ("gql and curl", "*/*", JSON),
    ("axios", "application/json, text/plain, */*", JSON),
    ("all alike", "text/event-stream, application/json", JSON),
    ("graphql-sse", "text/event-stream", STREAM),
];

#[tokio::test]
async fn an_operation_with_one_answer_is_answered_as_json_wherever_the_client_reads_it_as_well_as_a_stream() {
    let server = Server::start().await;
    let create = r#"mutation { createAPIToken(input: { name: "n" }) { token { name } } }"#;
    for (client, accept, form) in ACCEPTED {
        for query in ["{ currentAPIToken { name } }", create] {
            let request = server.admin.request("POST", "/graphql").header("Accept", accept);
            let answer = request.json(&json!({ "query": query })).send().await.unwrap();
            assert_eq!((answer.status().as_u16(), media_type(answer.headers())), (200, form), "{client}: {query}");
        }
        let url = "/graphql?query=%7B__typename%7D";
        let answer = server.admin.request("GET", url).header("Accept", accept).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), media_type(answer.headers())), (200, form), "{client}: by GET");
    }
    for (accept, form) in [("application/json;q=0.8, text/event-stream", STREAM), ("text/event-stream, */*", STREAM)] {
        let request = server.admin.request("POST", "/graphql").header("Accept", accept);
        let answer = request.json(&json!({ "query": "{ __typename }" })).send().await.unwrap();
        assert_eq!(media_type(answer.headers()), form, "{accept}");
    }
    // A subscription has many answers, which only a stream holds.
    for (client, accept, _) in ACCEPTED {
        let request = server.admin.request("POST", "/graphql").header("Accept", accept);
        let answer = request.json(&json!({ "query": "subscription { auditEvents { id } }" })).send().await.unwrap();
        assert_eq!(media_type(answer.headers()) == STREAM, accept.contains(STREAM), "{client}");
    }
    let refused = server.admin.request("POST", "/graphql").header("Accept", "text/html");
    let refused = Answer::of(refused.json(&json!({ "query": "{ __typename }" })).send().await.unwrap()).await;
    assert_eq!(refused.status, 406);
}

#[tokio::test]
async fn parameters_of_a_wrong_type_are_refused_by_name() {
    let server = Server::start().await;
    for (name, value) in [
        ("query", json!(5)),
        ("query", json!(null)),
        ("operationName", json!({})),
        ("variables", json!("a")),
        ("variables", json!([])),
        ("extensions", json!("a")),
        ("extensions", json!([])),
    ] {
        let mut body = json!({ "query": "{ __typename }" });
        body[name] = value.clone();
        let answer = post(&server.admin, MODERN, &body).await;
        assert_eq!((answer.status, answer.code()), (400, Some("BAD_USER_INPUT")), "{name} {value}");
        assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains(name), "{}", answer.body);
    }
    let nothing =
        json!({ "query": "{ __typename }", "operationName": null, "variables": null, "extensions": null, "id": 1 });
    assert_eq!(post(&server.admin, MODERN, &nothing).await.status, 200);
}

#[tokio::test]
async fn a_field_of_a_variable_that_is_given_more_than_once_is_refused() {
    let server = Server::start().await;
    let query = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { valid } }";
    let value = server.admin.value.clone().unwrap();
    let variables = format!(r#"{{"input":{{"value":"other","value":"{value}"}}}}"#);
    let body = format!(r#"{{"query":"{query}","variables":{variables}}}"#);
    let parameters = [("query", "query($a: ID!) { apiToken(id: $a) { id } }"), ("variables", r#"{"a":"b","a":"c"}"#)];
    let parameters = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let url = format!("/graphql?{parameters}");
    let post = server.admin.request("POST", "/graphql").header("Content-Type", JSON).body(body);
    let get = server.admin.request("GET", &url).header("GraphQL-Require-Preflight", "1");
    for (request, field) in [(post, "value"), (get, "a")] {
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!((answer.status, answer.code(), answer.field()), (400, Some("BAD_USER_INPUT"), Some(field)));
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert_eq!(message, format!("The field {field} is given more than once. Give it once."));
    }
}

#[tokio::test]
async fn a_parameter_that_is_given_more_than_once_is_refused() {
    let server = Server::start_graphql(Settings { max_batch: 1, ..Settings::default() }).await;
    let verify = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { valid } }";
    let input = json!({ "input": { "value": server.admin.value } });
    // From then on such a verification is answered without waiting.
    assert_eq!(server.admin.graphql(verify, input.clone()).await.body["data"]["verifyAPIToken"]["valid"], true);
    for (name, first, second) in [
        ("query", json!("{ __typename }").to_string(), json!(verify).to_string()),
        ("query", "null".to_owned(), json!(verify).to_string()),
        ("operationName", "5".to_owned(), "null".to_owned()),
        ("variables", "1e999".to_owned(), input.to_string()),
        ("variables", input.to_string(), "null".to_owned()),
        ("variables", "null".to_owned(), input.to_string()),
        ("extensions", "\"a\"".to_owned(), "null".to_owned()),
    ] {
        let others = [("query", json!(verify)), ("variables", input.clone())];
        let others = others.iter().filter(|(other, _)| *other != name);
        let others: String = others.map(|(other, value)| format!(r#""{other}":{value},"#)).collect();
        let body = format!(r#"{{{others}"{name}":{first},"{name}":{second}}}"#);
        for body in [format!("[{body}]"), body] {
            let request = server.admin.request("POST", "/graphql").header("Content-Type", JSON);
            let answer = Answer::of(request.body(body).send().await.unwrap()).await;
            assert_eq!((answer.status, answer.code(), answer.field()), (400, Some("BAD_USER_INPUT"), Some(name)));
            let message = answer.body["errors"][0]["message"].as_str().unwrap();
            assert!(message.ends_with("is given more than once. Give it once."), "{message}");
        }
    }
}

#[tokio::test]
async fn a_body_is_json_in_utf_8_or_nothing() {
    let server = Server::start().await;
    let body = json!({ "query": "{ __typename }" }).to_string();
    for (content_type, status) in [
        ("application/json", 200),
        ("APPLICATION/JSON; charset=UTF-8", 200),
        ("application/json;charset=\"utf-8\"", 200),
        ("application/json; charset=iso-8859-1", 415),
        ("application/graphql", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=a", 415),
        ("", 415),
    ] {
        let request = server.anonymous().request("POST", "/graphql").header("Content-Type", content_type);
        let answer = Answer::of(request.body(body.clone()).send().await.unwrap()).await;
        assert_eq!(answer.status, status, "{content_type}: {}", answer.body);
    }
    let request = server.anonymous().request("POST", "/graphql").body(body);
    assert_eq!(request.send().await.unwrap().status(), 415, "without a content type");
}

#[tokio::test]
async fn a_query_may_be_sent_by_get_and_a_mutation_may_not() {
    let server = Server::start().await;
    let query = "query A($id: ID!) { apiToken(id: $id) { name } } query B { __typename } mutation C { rotateAPIToken { token { id } } }";
    let id = server.admin.my_id().await;
    let variables = json!({ "id": id }).to_string();
    let answer = get(&server.admin, &[("query", query), ("operationName", "A"), ("variables", &variables)], &[]).await;
    assert_eq!((answer.status, &answer.body["data"]["apiToken"]["name"]), (200, &json!("admin")), "{}", answer.body);
    let empty = [("query", "{ __typename }"), ("operationName", ""), ("variables", ""), ("extensions", "")];
    assert_eq!(get(&server.admin, &empty, &[]).await.status, 200);
    let answer = get(&server.admin, &[("query", query), ("operationName", "C")], &[("Accept", MODERN)]).await;
    assert_eq!((answer.status, answer.code(), answer.header("allow")), (405, Some("BAD_USER_INPUT"), Some("POST")));
    assert_eq!(server.admin.check().await, Ok(1), "nothing was rotated");
    for parameters in [
        &[("variables", "{}")][..],
        &[("query", "{ __typename }"), ("query", "{ __typename }")],
        &[("query", "{ __typename }"), ("variables", "{")],
        &[("query", "{ __typename }"), ("variables", "[]")],
        &[("query", "{ __typename }"), ("extensions", "7")],
    ] {
        let answer = get(&server.admin, parameters, &[]).await;
        assert_eq!((answer.status, answer.code()), (400, Some("BAD_USER_INPUT")), "{parameters:?}");
    }
    let anonymous = get(&server.anonymous(), &[("query", "{ currentAPIToken { id } }")], &[]).await;
    assert_eq!((anonymous.status, anonymous.code()), (401, Some("UNAUTHENTICATED")));
}

#[tokio::test]
async fn nothing_that_a_browser_sends_unasked_is_executed() {
    let server = Server::start().await;
    let query = [("query", "{ __typename }")];
    for mark in [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Dest", "image"), ("Origin", "https://page.example")] {
        let refused = get(&server.anonymous(), &query, &[mark]).await;
        assert_eq!((refused.status, refused.code()), (400, Some("BAD_USER_INPUT")), "{mark:?}");
        let asked = get(&server.anonymous(), &query, &[mark, ("GraphQL-Require-Preflight", "1")]).await;
        assert_eq!(asked.status, 200, "{mark:?}");
        assert_eq!(get(&server.admin, &query, &[mark]).await.status, 200, "a credential is such a header");
    }
    let preflight = server.anonymous().request("OPTIONS", "/graphql").header("Origin", "https://page.example");
    let answer = preflight.header("Access-Control-Request-Method", "POST").send().await.unwrap();
    assert!(!answer.status().is_success() && !answer.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_list_of_requests_is_refused_unless_switched_on_and_then_bounded() {
    let request = json!({ "query": "{ __typename }" });
    let off = Server::start().await;
    assert_eq!(post(&off.admin, JSON, &json!([request])).await.code(), Some("BAD_USER_INPUT"));
    let server = Server::start_graphql(Settings { max_batch: 3, ..Settings::default() }).await;
    for list in [json!([]), json!([request, request, request, request]), json!([request, 5])] {
        let answer = post(&server.admin, JSON, &list).await;
        assert_eq!((answer.status, answer.code()), (400, Some("BAD_USER_INPUT")), "{list}");
    }
    let create = json!({ "query": "mutation { createAPIToken(input: { name: \"batch\" }) { token { name } } }" });
    let list = json!({ "query": "{ apiTokens(filter: { name: \"batch\" }) { edges { node { name } } } }" });
    let answer = post(&server.admin, MODERN, &json!([create, { "query": "{ nothing }" }, list])).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body[0]["data"]["createAPIToken"]["token"]["name"], "batch");
    assert_eq!(answer.body[1]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(answer.body[2]["data"]["apiTokens"]["edges"].as_array().map(Vec::len), Some(1), "in their order");
    let mixed = post(&server.anonymous(), JSON, &json!([request, list])).await;
    assert_eq!(mixed.body[0]["data"]["__typename"], "Query");
    assert_eq!(mixed.body[1]["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_document_that_was_sent_once_may_be_named_by_its_hash() {
    let server = Server::start().await;
    let query = "{ currentAPIToken { name } }";
    let hash: String = Sha256::digest(query).iter().map(|byte| format!("{byte:02x}")).collect();
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let by_hash = json!({ "extensions": extensions });
    for _ in 0..2 {
        let unknown = post(&server.admin, MODERN, &by_hash).await;
        assert_eq!((unknown.status, unknown.code()), (400, Some("PERSISTED_QUERY_NOT_FOUND")));
        assert_eq!(unknown.body["errors"][0]["message"], "PersistedQueryNotFound");
    }
    let other = json!({ "query": "{ __typename }", "extensions": extensions });
    assert_eq!(post(&server.admin, JSON, &other).await.code(), Some("BAD_USER_INPUT"), "another document's");
    let anonymous = json!({ "query": query, "extensions": extensions });
    assert_eq!(post(&server.anonymous(), JSON, &anonymous).await.status, 401);
    assert_eq!(post(&server.admin, JSON, &by_hash).await.code(), Some("PERSISTED_QUERY_NOT_FOUND"), "nothing was kept");
    assert_eq!(post(&server.admin, JSON, &anonymous).await.body["data"]["currentAPIToken"]["name"], "admin");
    assert_eq!(post(&server.admin, JSON, &by_hash).await.body["data"]["currentAPIToken"]["name"], "admin");
    let answer = get(&server.admin, &[("extensions", &extensions.to_string())], &[]).await;
    assert_eq!(answer.body["data"]["currentAPIToken"]["name"], "admin", "by GET as well");
    for broken in [json!({ "version": 2, "sha256Hash": hash }), json!({ "version": 1, "sha256Hash": "abc" }), json!({})]
    {
        let body = json!({ "query": query, "extensions": { "persistedQuery": broken } });
        assert_eq!(post(&server.admin, JSON, &body).await.code(), Some("BAD_USER_INPUT"), "{broken}");
    }
}

#[tokio::test]
async fn a_refused_credential_is_reported_in_the_requested_media_type() {
    let server = Server::start().await;
    let body = json!({ "query": "{ currentAPIToken { id } }" });
    for client in [server.anonymous(), server.admin.with("rk_nothing")] {
        for form in [JSON, MODERN] {
            let answer = post(&client, form, &body).await;
            assert_eq!(
                (answer.status, answer.code(), media_type(&answer.headers)),
                (401, Some("UNAUTHENTICATED"), form)
            );
        }
    }
}

#[tokio::test]
async fn r9_no_value_is_taken_from_a_url() {
    let server = Server::start().await;
    let query = "query($value: String!) { verifyAPIToken(input: { value: $value }) { valid } }";
    let variables = json!({ "value": server.admin.value }).to_string();
    let answer = get(&server.admin, &[("query", query), ("variables", &variables)], &[]).await;
    assert_eq!((answer.status, answer.code()), (405, Some("BAD_USER_INPUT")));
}
