//! Every rule of section 5 of the GraphQL specification (September 2025). The table is the one that the reference
//! implementation is asked about as well, in `tests/graphql-conformance`.

use serde::Deserialize;
use serde_json::json;

use crate::support::client::Answer;
use crate::support::server::Server;

#[derive(Deserialize)]
struct Rule {
    rule: String,
    valid: Vec<String>,
    invalid: Vec<String>,
}

#[tokio::test]
async fn every_rule_of_the_specification_is_kept() {
    let server = Server::start().await;
    let rules: Vec<Rule> = serde_json::from_str(include_str!("../../graphql-conformance/validation.json")).unwrap();
    let mut wrong = Vec::new();
    for Rule { rule, valid, invalid } in rules {
        for (documents, expected) in [(valid, None), (invalid, Some("GRAPHQL_VALIDATION_FAILED"))] {
            for document in documents {
                let named = document.contains("query A").then_some("A");
                let body = json!({ "query": document, "operationName": named });
                let request = server.admin.request("POST", "/graphql").json(&body);
                let answer = Answer::of(request.send().await.unwrap()).await;
                let reported = answer.code().filter(|code| code.starts_with("GRAPHQL_"));
                if reported != expected || (expected.is_some() && answer.body.get("data").is_some()) {
                    wrong.push(format!("{rule}: {document}: {}", answer.body));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_the_grammar_does_not_allow_is_no_document() {
    let server = Server::start().await;
    for document in [
        "",
        "# nothing",
        "{",
        "{ }",
        "{ a(b: 1 }",
        "query {",
        "query ($a) { a }",
        "fragment on on Query { a } { ...on }",
        "{ a(b: \"c\nd\") }",
        "{ a(b: \"\\x\") }",
        "{ a(b: \"\\u{110000}\") }",
        "{ a(b: 01) }",
        "{ a(b: 1.) }",
        "\"described\" { __typename }",
        "{ __typename } &",
        "{ \u{0} }",
        "{ ...() { a } }",
    ] {
        let answer = server.admin.ask(document).await;
        assert_eq!(answer.code(), Some("GRAPHQL_PARSE_FAILED"), "{document}: {}", answer.body);
        assert_eq!(answer.body.get("data"), None);
        assert!(answer.body["errors"][0]["locations"][0]["line"].is_u64(), "{document}");
    }
}

#[tokio::test]
async fn what_the_newest_edition_of_the_grammar_allows_is_run() {
    let server = Server::start().await;
    for document in [
        "\"what it is for\" query A { __typename }",
        "\"\"\"\nwhat it is for\n\"\"\" query A(\"whether\" $a: Boolean = false) { __typename @skip(if: $a) }",
        "{ ...a } \"a part\" fragment a on Query { __typename }",
        "\u{feff}{ __typename, }",
    ] {
        let answer = server.admin.ask(document).await;
        assert_eq!(answer.body, json!({ "data": { "__typename": "Query" } }), "{document}");
    }
    let answer =
        server.admin.ask("{ apiTokens(filter: { name: \"\\u{1F600}\\uD83D\\uDE00\" }) { edges { cursor } } }").await;
    assert_eq!(answer.body, json!({ "data": { "apiTokens": { "edges": [] } } }));
}

#[tokio::test]
async fn a_misspelt_name_gets_a_suggestion_and_every_error_is_reported() {
    let server = Server::start().await;
    let answer = server.admin.ask("{ currentAPIToken { idd colour } }").await;
    let messages: Vec<&str> =
        answer.body["errors"].as_array().unwrap().iter().map(|err| err["message"].as_str().unwrap()).collect();
    assert_eq!(
        messages,
        [
            "Type `APIToken` does not have a field `idd`. Did you mean `id`?",
            "Type `APIToken` does not have a field `colour`."
        ]
    );
    assert_eq!(answer.body["errors"][1]["locations"], json!([{ "line": 1, "column": 25 }]));
}

#[tokio::test]
async fn variables_are_judged_before_anything_runs() {
    let server = Server::start().await;
    let create = "mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token { id } } }";
    let list = "query($first: Int, $status: [APITokenStatus!], $after: String) {
        apiTokens(first: $first, after: $after, filter: { status: $status }) { edges { cursor } } }";
    for (query, variables, field) in [
        (create, json!({}), "input"),
        (create, json!({ "input": null }), "input"),
        (create, json!({ "input": "name" }), "input"),
        (create, json!({ "input": {} }), "name"),
        (create, json!({ "input": { "name": 5 } }), "name"),
        (create, json!({ "input": { "name": "n", "colour": "red" } }), "colour"),
        (create, json!({ "input": { "name": "n", "expiresAt": "tomorrow" } }), "expiresAt"),
        (create, json!({ "input": { "name": "n", "permissions": ["NOTHING"] } }), "permissions"),
        (create, json!({ "input": { "name": "n", "protected": "yes" } }), "protected"),
        (list, json!({ "first": 2_147_483_648_u64 }), "first"),
        (list, json!({ "first": 1.5 }), "first"),
        (list, json!({ "status": [null] }), "status"),
        (list, json!({ "after": 5 }), "after"),
    ] {
        let answer = server.admin.graphql(query, variables.clone()).await;
        assert_eq!(
            (answer.code(), answer.field()),
            (Some("BAD_USER_INPUT"), Some(field)),
            "{variables}: {}",
            answer.body
        );
        assert_eq!(answer.body.get("data"), None, "{variables}");
    }
    for variables in [json!({ "first": null, "status": "ACTIVE", "more": 1 }), json!({ "status": [] })] {
        assert_eq!(server.admin.graphql(list, variables.clone()).await.code(), None, "{variables}");
    }
}
