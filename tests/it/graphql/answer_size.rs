//! Answers are bounded in bytes, and what a client sends is bounded in what it becomes: few bytes never hold many.

use std::fmt::Write;

use rotakey::graphql::Settings;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::database::TestDatabase;
use crate::support::process::Process;
use crate::support::server::Server;

const MAX_BYTES: usize = 100_000;

async fn bounded(max_answer_bytes: usize) -> Server {
    Server::start_graphql(Settings { max_answer_bytes, max_batch: 3, ..Settings::default() }).await
}

async fn post(client: &Client, body: &Value) -> (u16, Value, usize) {
    let answer = client.request("POST", "/graphql").json(body).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap(), text.len())
}

/// The code of the first error, and the data beside it.
fn refusal(body: &Value) -> (Option<&str>, &Value) {
    (body["errors"][0]["extensions"]["code"].as_str(), &body["data"])
}

/// Tokens with a text as long as one may be.
async fn describe(client: &Client, count: usize) {
    for number in 0..count {
        let description = "\"".repeat(2_000);
        client.create(json!({ "name": format!("n{number}"), "description": description })).await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_is_bounded_in_bytes_whatever_makes_it_long() {
    let server = bounded(MAX_BYTES).await;
    describe(&server.admin, 30).await;
    let page =
        |first: usize, node: &str| format!("{{ apiTokens(first: {first}) {{ edges {{ node {{ {node} }} }} }} }}");
    let key = "k".repeat(6_000);
    for (query, too_large) in [
        // Each of them is 4,000 bytes as JSON.
        (page(20, "description"), false),
        (page(30, "description"), true),
        (page(12, "a: description b: description"), false),
        (page(15, "a: description b: description"), true),
        // Two selection sets of one field are resolved and counted once each.
        ("{ apiTokens(first: 20) { edges { node { description } } edges { cursor } } }".to_owned(), false),
        // A name that the client chose is repeated for each item.
        (page(15, &format!("{key}: id")), false),
        (page(20, &format!("{key}: id")), true),
        (page(20, &format!("{key}: __typename")), true),
        (page(20, &format!("{key}: scopes")), true),
        (page(20, &format!("createdBy {{ {key}: kind }}")), true),
    ] {
        let (status, body, length) = post(&server.admin, &json!({ "query": query })).await;
        let shown: String = query.chars().take(90).collect();
        if too_large {
            assert_eq!((status, refusal(&body)), (200, (Some("BAD_USER_INPUT"), &Value::Null)), "{shown}");
            let message = body["errors"][0]["message"].as_str().unwrap();
            assert!(message.contains("100000 bytes") && message.contains("smaller pages"), "{message}");
            assert!(body["errors"].as_array().unwrap().len() == 1 && length < 500, "{length}");
        } else {
            assert!(body.get("errors").is_none() && length > MAX_BYTES / 2 && length <= MAX_BYTES, "{shown}: {length}");
        }
    }
}

#[tokio::test]
async fn an_answer_from_the_cache_has_the_same_bound() {
    let server = bounded(1_000).await;
    let input = json!({ "name": "n", "description": "d".repeat(1_500) });
    let token = server.admin.create(input).await.unwrap().client;
    let verify = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { token { description } } }";
    for (caller, body) in [
        (&token, json!({ "query": "{ currentAPIToken { description } }" })),
        (&server.admin, json!({ "query": verify, "variables": { "input": { "value": token.value } } })),
    ] {
        server.admin.catch_up().await;
        // By the third time, the document and the values are cached.
        for _ in 0..3 {
            let (_, answer, _) = post(caller, &body).await;
            assert_eq!(refusal(&answer), (Some("BAD_USER_INPUT"), &Value::Null), "{body}");
        }
    }
}

#[tokio::test]
async fn a_list_of_requests_has_one_bound() {
    let server = bounded(MAX_BYTES).await;
    describe(&server.admin, 20).await;
    let page = json!({ "query": "{ apiTokens(first: 20) { edges { node { description } } } }" });
    let change = json!({ "query": r#"mutation { createAPIToken(input: { name: "late" }) { token { id } } }"# });
    let (_, body, length) = post(&server.admin, &json!([page, page, change])).await;
    assert!(body[0].get("errors").is_none(), "the first fits");
    for later in [&body[1], &body[2]] {
        assert_eq!(refusal(later), (Some("BAD_USER_INPUT"), &Value::Null));
    }
    assert!(length < MAX_BYTES);
    let late = server.admin.ask(r#"{ apiTokens(filter: { name: "late" }) { edges { cursor } } }"#).await;
    assert_eq!(late.body["data"]["apiTokens"]["edges"], json!([]), "what could not be reported was not done");
}

#[tokio::test]
async fn r5_an_issued_value_is_returned_however_long_the_answer_is() {
    let server = bounded(5_000).await;
    let description = "d".repeat(2_000);
    let create = |alias: &str| {
        let input = format!(r#"{{ name: "{alias}", description: "{description}" }}"#);
        format!("{alias}: createAPIToken(input: {input}) {{ token {{ value a: description b: description }} }} ")
    };
    let query = format!("mutation {{ {} {} {} }}", create("one"), create("two"), create("three"));
    let (status, body, _) = post(&server.admin, &json!({ "query": query })).await;
    assert_eq!((status, body["errors"][0]["extensions"]["code"].as_str()), (200, Some("BAD_USER_INPUT")));
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("were not executed"), "{body}");
    for (alias, issued) in [("one", true), ("two", true), ("three", false)] {
        assert_eq!(body["data"][alias]["token"]["value"].is_string(), issued, "{alias}");
        let query = format!(r#"{{ apiTokens(filter: {{ name: "{alias}" }}) {{ edges {{ cursor }} }} }}"#);
        let found = server.admin.ask(&query).await.body["data"]["apiTokens"]["edges"].as_array().unwrap().len();
        assert_eq!(found, usize::from(issued), "{alias}: done if reported, and reported if done");
    }
}

#[tokio::test]
async fn an_anonymous_caller_gets_no_more_than_a_mebibyte_of_introspection() {
    let server = Server::start().await;
    let query = format!("{{ __schema {{ types {{ fields {{ {}: name }} }} }} }}", "k".repeat(12_000));
    let (_, body, length) = post(&server.anonymous(), &json!({ "query": query })).await;
    assert_eq!(refusal(&body), (Some("BAD_USER_INPUT"), &Value::Null), "{length} bytes");
    let (_, body, length) = post(&server.admin, &json!({ "query": query })).await;
    assert!(body.get("errors").is_none() && length > 1024 * 1024, "{length}");
    let all = "{ __schema { types { name description fields { name description args { name description } } } } }";
    let (_, body, length) = post(&server.anonymous(), &json!({ "query": all })).await;
    assert!(body.get("errors").is_none() && length < 256 * 1024, "{length}");
}

#[tokio::test]
async fn one_field_is_asked_for_under_few_names_in_one_place() {
    let server = Server::start_graphql(Settings { max_field_aliases: 3, ..Settings::default() }).await;
    let names = |count: usize, field: &str| (0..count).map(|number| format!("a{number}: {field} ")).collect::<String>();
    let create = r#"createAPIToken(input: { name: "n" }) { token { id } }"#;
    for (count, code) in [(3, None), (4, Some("GRAPHQL_VALIDATION_FAILED"))] {
        for query in [
            format!("{{ {} }}", names(count, "__typename")),
            format!("{{ {} }}", names(count, "currentAPIToken { id }")),
            format!("{{ currentAPIToken {{ {} }} }}", names(count, "name")),
            format!("{{ currentAPIToken {{ {} ...f }} }} fragment f on APIToken {{ name }}", names(count - 1, "name")),
            format!("{{ apiTokens {{ edges {{ node {{ createdBy {{ {} }} }} }} }} }}", names(count, "kind")),
            format!("mutation {{ {} }}", names(count, create)),
            format!("{{ __schema {{ {} }} }}", names(count, "types { name }")),
            format!("subscription {{ auditEvents {{ {} }} }}", names(count, "id")),
        ] {
            if query.starts_with("subscription") && code.is_none() {
                continue;
            }
            let answer = server.admin.ask(&query).await;
            assert_eq!(answer.code(), code, "{query}: {}", answer.body);
        }
    }
    let many = server.admin.ask(&format!("mutation {{ {} }}", names(4, create))).await;
    let message = many.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("createAPIToken") && message.contains("more than 3"), "{message}");
}

#[tokio::test]
async fn undeclared_variables_are_dropped_and_their_values_bounded_in_number() {
    let server = Server::start().await;
    let query = "query($id: ID!) { apiToken(id: $id) { id } }";
    let id = server.admin.my_id().await;
    let extra = json!({ "a": [1e300, null, { "b": "rk_" }], "": 1, "id2": id });
    let mut variables = extra.as_object().unwrap().clone();
    variables.insert("id".to_owned(), json!(id));
    let answer = server.admin.graphql(query, variables.into()).await;
    assert_eq!(answer.body["data"]["apiToken"]["id"], json!(id), "{}", answer.body);
    for (count, status) in [(9_000, 200), (11_000, 400)] {
        let body = format!(r#"{{"query":"{{ __typename }}","variables":{{"a":[{}0]}}}}"#, r#"{"":0},"#.repeat(count));
        let request = server.admin.request("POST", "/graphql").header("Content-Type", "application/json");
        let answer = Answer::of(request.body(body).send().await.unwrap()).await;
        assert_eq!(answer.status, status, "{count}");
        assert!(status == 200 || answer.body["errors"][0]["message"].as_str().unwrap().contains("20,000"));
    }
}

/// How much memory a process has held at the most, in KiB.
fn peak_kib(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mebibyte_that_is_sent_takes_no_hundred() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    let admin = server.client().with(server.first_value());
    admin.check().await.unwrap();
    let before = peak_kib(server.pid());
    for part in [r#"{"":0},"#, "[],", "0,", r#"{"a":{}},"#] {
        let mut body = r#"{"query":"{ __typename }","variables":{"a":["#.to_owned();
        while body.len() < 1024 * 1024 - 100 {
            body.write_str(part).unwrap();
        }
        body.push_str("0]}}");
        let request = admin.request("POST", "/graphql").header("Content-Type", "application/json");
        assert_eq!(request.body(body).send().await.unwrap().status(), 400, "{part}");
    }
    let growth = peak_kib(server.pid()) - before;
    assert!(growth < 32 * 1024, "{growth} KiB");
}
