//! What clients write in more than one way is read in each of them, what could mean something else is refused, and an error names
//! what the client sent.

use reqwest::RequestBuilder;
use serde_json::json;

use crate::support::client::Answer;
use crate::support::server::Server;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

async fn answer(request: RequestBuilder) -> Answer {
    Answer::of(request.send().await.unwrap()).await
}

/// The field of an error, in GraphQL's shape or in that of the REST addresses.
fn field(answer: &Answer) -> Option<&str> {
    answer.body["field"].as_str().or(answer.field())
}

#[tokio::test]
async fn one_trailing_slash_is_accepted_at_every_endpoint() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "rotationPeriodMinutes": 60 })).await.unwrap();
    let query = json!({ "query": "{ currentAPIToken { id } }" }).to_string();
    let form = format!("token={}", server.admin.value.as_ref().unwrap());
    for (method, path, content_type, body, status) in [
        ("POST", "/graphql", JSON, query.as_str(), 200),
        ("POST", "/public/graphql", JSON, &query, 200),
        ("GET", "/graphql?query=%7B__typename%7D", "", "", 200),
        ("POST", "/introspect", FORM, &form, 200),
        ("GET", "/verify", "", "", 200),
        ("GET", "/schema.graphql", "", "", 200),
        ("GET", "/openapi.json", "", "", 200),
        ("GET", "/healthz", "", "", 200),
        ("GET", "/playground", "", "", 200),
        ("GET", "/api-tokens?first=1", "", "", 200),
        ("GET", "/api-tokens/self", "", "", 200),
        ("POST", "/api-tokens", JSON, r#"{"name":"n"}"#, 200),
        ("POST", &format!("/api-tokens/{}/end-overlap", token.id), "", "", 200),
        ("DELETE", "/api-tokens/nothing", "", "", 404),
        ("POST", "/rotatetoken", "", "", 400),
        ("POST", "/api/index/v1/rotatetoken", "", "", 400),
        ("GET", "/nothing", "", "", 404),
        ("DELETE", "/graphql", "", "", 405),
    ] {
        let (route, parameters) = path.split_once('?').unwrap_or((path, ""));
        for path in [path.to_owned(), format!("{route}/?{parameters}"), format!("{route}/")] {
            if path.ends_with('/') && !parameters.is_empty() {
                continue;
            }
            let request = server.admin.request(method, &path).header("Content-Type", content_type);
            let response = request.body(body.to_owned()).send().await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
        }
        if route != "/verify" {
            let twice = server.admin.request(method, &format!("{route}//")).send().await.unwrap();
            assert_eq!(twice.status(), 404, "{route}");
        }
    }
}

#[tokio::test]
async fn a_byte_order_mark_and_an_empty_operation_name_mean_nothing() {
    let server = Server::start().await;
    let query = json!({ "query": "query A { currentAPIToken { name } }", "operationName": "" }).to_string();
    for (path, body) in [("/graphql", query.as_str()), ("/api-tokens", r#"{"name":"marked"}"#)] {
        let request = server.admin.request("POST", path).header("Content-Type", JSON);
        let read = answer(request.body(format!("\u{feff}{body}"))).await;
        assert_eq!((read.status, read.code()), (200, None), "{path}: {}", read.body);
    }
    let two = json!({ "query": "query A { __typename } query B { __typename }", "operationName": "" });
    let refused = answer(server.admin.request("POST", "/graphql").json(&two)).await;
    assert!(refused.body["errors"][0]["message"].as_str().unwrap().contains("several operations"), "{}", refused.body);
}

#[tokio::test]
async fn a_number_is_written_as_json_writes_it() {
    let server = Server::start().await;
    for (text, status) in
        [("5", 200), ("+5", 400), ("%2B5", 400), ("05", 400), ("-05", 400), ("%205", 400), ("5.", 400), ("", 400)]
    {
        for name in ["first", "last"] {
            let read = answer(server.admin.request("GET", &format!("/api-tokens?{name}={text}"))).await;
            assert_eq!(read.status, status, "{name}={text}: {}", read.body);
            assert!(status == 200 || field(&read) == Some(name), "{}", read.body);
        }
    }
}

#[tokio::test]
async fn a_body_that_would_have_to_be_decoded_is_refused() {
    let server = Server::start().await;
    let query = json!({ "query": "{ __typename }" }).to_string();
    let form = format!("token={}", server.admin.value.as_ref().unwrap());
    for (path, content_type, body) in [
        ("/graphql", JSON, query.as_str()),
        ("/introspect", FORM, &form),
        ("/api-tokens", JSON, r#"{"name":"n"}"#),
        ("/api-tokens/self", JSON, r#"{"name":"n"}"#),
        ("/api-tokens/self/end-overlap", JSON, "{}"),
    ] {
        for (encodings, status) in [
            (&[][..], 200),
            (&["identity"], 200),
            (&[""], 200),
            (&["gzip"], 415),
            (&["br"], 415),
            (&["identity", "x-own"], 415),
            (&["gzip, identity"], 415),
        ] {
            let request = server.admin.request("POST", path).header("Content-Type", content_type);
            let request = encodings.iter().fold(request, |request, name| request.header("Content-Encoding", *name));
            let read = answer(request.body(body.to_owned())).await;
            assert_eq!(read.status, status, "{path} {encodings:?}: {}", read.body);
        }
    }
}

#[tokio::test]
async fn the_field_of_an_error_is_what_the_client_sent() {
    let server = Server::start().await;
    let request = |method, path: &str| server.admin.request(method, path);
    let rotate = json!({ "query": "mutation { rotateAPIToken { token { id } } }" });
    let by_input = json!({ "query": "mutation { rotateAPIToken(input: { idempotencyKey: \"\" }) { token { id } } }" });
    let periodic = server.admin.create(json!({ "name": "n", "rotationPeriodMinutes": 60 })).await.unwrap().client;
    let form = |parameters: &str| {
        let body = format!("token={}&{parameters}", server.admin.value.as_ref().unwrap());
        request("POST", "/introspect").header("Content-Type", FORM).body(body)
    };
    for (request, expected) in [
        (request("POST", "/graphql").header("Idempotency-Key", "").json(&rotate), "Idempotency-Key"),
        (request("POST", "/graphql").header("Idempotency-Key", "k").json(&by_input), "idempotencyKey"),
        (request("POST", "/api-tokens/self/rotate").header("Idempotency-Key", ""), "Idempotency-Key"),
        (request("POST", "/api-tokens/self/rotate").json(&json!({ "idempotencyKey": "" })), "idempotencyKey"),
        (periodic.request("POST", "/rotatetoken").header("Idempotency-Key", ""), "Idempotency-Key"),
        (
            periodic.request("POST", "/rotatetoken").header("Idempotency-Key", "a").header("Idempotency-Key", "b"),
            "Idempotency-Key",
        ),
        (request("POST", "/graphql").json(&json!({ "query": 5 })), "query"),
        (request("POST", "/graphql").json(&json!({ "query": "{ a }", "variables": "v" })), "variables"),
        (request("POST", "/graphql").json(&json!({ "query": "{ a }", "operationName": 1 })), "operationName"),
        (request("POST", "/graphql").json(&json!({ "query": "{ a }", "extensions": [] })), "extensions"),
        (request("GET", "/graphql?query=%7Ba%7D&variables=v"), "variables"),
        (request("GET", "/graphql?query=%7Ba%7D&query=%7Ba%7D"), "query"),
        (request("GET", "/api-tokens?name=%00"), "name"),
        (request("GET", "/api-tokens?owner=%00"), "owner"),
        (request("GET", "/api-tokens?orderBy=colour"), "orderBy"),
        (request("GET", "/api-tokens?after=x"), "after"),
        (request("GET", "/api-tokens?colour=x"), "colour"),
        (request("GET", "/verify?colour=x"), "colour"),
        (request("GET", "/verify?scope=%22"), "scope"),
        (form("rotakey_scope=%22"), "rotakey_scope"),
        (form("rotakey_address=x"), "rotakey_address"),
        (form("token=x"), "token"),
    ] {
        let (sent, request) = (request.try_clone().unwrap().build().unwrap().url().to_string(), request);
        let refused = answer(request).await;
        assert!(refused.status == 400 || sent.ends_with("/graphql"), "{sent}: {}", refused.status);
        assert_eq!(field(&refused), Some(expected), "{sent}: {}", refused.body);
    }
    for (input, expected) in [
        (json!({ "name": "n", "cloneSettingsFrom": "nothing" }), "cloneSettingsFrom"),
        (json!({ "name": "n", "rotationPeriodMinutes": 5, "overlapMinutes": 6 }), "overlapMinutes"),
        (json!({ "name": "n", "kind": "PUBLIC", "permissions": ["API_TOKEN_READ"] }), "permissions"),
    ] {
        let refused = answer(request("POST", "/api-tokens").json(&input)).await;
        assert_eq!(field(&refused), Some(expected), "{}", refused.body);
        let query = "mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token { id } } }";
        let refused = server.admin.graphql(query, json!({ "input": input })).await;
        assert_eq!(field(&refused), Some(expected), "{}", refused.body);
    }
}
