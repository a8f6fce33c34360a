//! What a literal means and where an error is, whatever else stands in the document. The table is asked of the reference
//! implementation as well, in `tests/graphql-conformance`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::server::Server;

#[derive(Deserialize)]
struct Table {
    strings: Vec<Literal>,
    integers: Vec<Literal>,
    broken: Vec<Broken>,
    invalid: Vec<Broken>,
}

#[derive(Deserialize)]
struct Literal {
    literal: String,
    value: Option<String>,
}

#[derive(Deserialize)]
struct Broken {
    document: String,
    line: u64,
    column: u64,
}

fn table() -> Table {
    serde_json::from_str(include_str!("../../graphql-conformance/lexical.json")).unwrap()
}

/// What stands before and behind an operation, and how many lines it moves it down. Each has something that one of two
/// parsers would know and another would not.
const BESIDE: [(&str, &str, u64); 8] = [
    ("", "", 0),
    ("", " query Other { __typename }", 0),
    ("", " query Other { currentAPIToken() { id } }", 0),
    ("query Other { ...f }\n", "\nfragment f on Query { __typename }", 1),
    (
        "\"\"\"\r\nwhat é it is for\r\n\"\"\" query Other($a: String = \"\\u{1F600}\\uD83D\\uDE00\") { __typename @skip(if: false) x: apiTokens(after: $a) { edges { cursor } } }\r",
        "",
        3,
    ),
    ("\"😀\" query Other { __typename }\n", "", 1),
    ("# \u{2028}\u{85}\u{b} é () \"\r#\n", "", 2),
    ("\u{feff},\n,\u{feff} query Other( ) { __typename }\r\n", "# \"", 2),
];

async fn ask(client: &Client, document: &str) -> Answer {
    let body = json!({ "query": document, "operationName": "Main" });
    Answer::of(client.request("POST", "/graphql").json(&body).send().await.unwrap()).await
}

/// The places of the first error.
fn locations(answer: &Answer) -> &Value {
    &answer.body["errors"][0]["locations"]
}

#[tokio::test]
async fn a_string_means_the_same_whatever_stands_beside_it() {
    let server = Server::start().await;
    for Literal { literal, value } in table().strings {
        let value = value.unwrap();
        // A description with characters that it may not hold is refused, so it was read.
        let kept = !value.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t'));
        for (before, behind, _) in BESIDE {
            let (name, set) = ("createAPIToken", "{ token { description } }");
            let input = format!("input: {{ name: \"n\", description: {literal} }}");
            let document = format!("{before}mutation Main {{ {name}({input}) {set} }}{behind}");
            let answer = ask(&server.admin, &document).await;
            if kept {
                assert_eq!(answer.body["data"][name]["token"]["description"], value, "{document:?}: {}", answer.body);
            } else {
                assert_eq!(
                    (answer.code(), answer.field()),
                    (Some("BAD_USER_INPUT"), Some("description")),
                    "{document:?}"
                );
            }
        }
        let by_default = format!(
            "mutation Main($d: String = {literal}) {{ createAPIToken(input: {{ name: \"n\", description: $d }}) {{ token {{
             description }} }} }}"
        );
        let answer = ask(&server.admin, &by_default).await;
        if kept {
            assert_eq!(answer.body["data"]["createAPIToken"]["token"]["description"], value, "{by_default:?}");
        }
    }
}

#[tokio::test]
async fn an_integer_means_the_same_whatever_stands_beside_it() {
    let server = Server::start().await;
    for Literal { literal, .. } in table().integers {
        let number: i128 = literal.parse().unwrap();
        for (before, behind, _) in BESIDE {
            let input = format!("input: {{ name: \"n\", overlapMinutes: {literal} }}");
            let document =
                format!("{before}mutation Main {{ createAPIToken({input}) {{ token {{ overlapMinutes }} }} }}{behind}");
            let answer = ask(&server.admin, &document).await;
            match i32::try_from(number) {
                Ok(0..) => assert_eq!(
                    answer.body["data"]["createAPIToken"]["token"]["overlapMinutes"].as_i64().map(i128::from),
                    Some(number),
                    "{document:?}: {}",
                    answer.body
                ),
                Ok(_) => assert_eq!(answer.field(), Some("overlapMinutes"), "{document:?}"),
                Err(_) => assert_eq!(answer.code(), Some("GRAPHQL_VALIDATION_FAILED"), "{document:?}"),
            }
            // An id is a text, however long the number that it is written as.
            let document = format!("{before}query Main {{ apiToken(id: {literal}) {{ id }} }}{behind}");
            assert_eq!(ask(&server.admin, &document).await.code(), Some("NOT_FOUND"), "{document:?}");
        }
    }
}

#[tokio::test]
async fn a_syntax_error_is_located_where_the_reference_locates_it() {
    let server = Server::start().await;
    let mut wrong = Vec::new();
    for Broken { document, line, column } in table().broken {
        // Nothing is no document, but nothing behind a document is.
        let is_nothing = document == "# nothing" || document.trim_matches([' ', '\n', '\u{feff}']).is_empty();
        for (before, _, lines) in BESIDE.into_iter().filter(|(before, ..)| !is_nothing || !before.contains("query")) {
            let answer = ask(&server.admin, &format!("{before}{document}")).await;
            let expected = json!([{ "line": line + lines, "column": column }]);
            if answer.code() != Some("GRAPHQL_PARSE_FAILED") || *locations(&answer) != expected {
                wrong.push(format!("{before:?} {document:?}: {expected}: {}", answer.body));
            }
        }
    }
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_validation_error_is_located_where_the_reference_locates_it() {
    let server = Server::start().await;
    let mut wrong = Vec::new();
    for Broken { document, line, column } in table().invalid {
        let answer = ask(&server.admin, &document).await;
        let expected = json!([{ "line": line, "column": column }]);
        if answer.code() != Some("GRAPHQL_VALIDATION_FAILED") || *locations(&answer) != expected {
            wrong.push(format!("{document:?}: {expected}: {}", answer.body));
        }
    }
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn every_kind_of_error_has_its_location_whatever_stands_beside_it() {
    let server = Server::start().await;
    let deep = format!("query Main {{ {} __typename {} }}", "... { ".repeat(40), "} ".repeat(40));
    for (document, variables, code, column) in [
        (
            "query Main($a: Int!) { apiTokens(first: $a) { edges { cursor } } }",
            json!({ "a": "b" }),
            "BAD_USER_INPUT",
            12,
        ),
        (
            "query Main($b: Int, $a: ID!) { apiToken(id: $a) { id } apiTokens(first: $b) { edges { cursor } } }",
            json!({}),
            "BAD_USER_INPUT",
            21,
        ),
        ("query Main { a: __typename, missing: apiToken(id: \"tok_0\") { id } }", json!({}), "NOT_FOUND", 29),
        ("query Main { apiTokens(first: 0) { edges { cursor } } }", json!({}), "BAD_USER_INPUT", 14),
        (
            "mutation Main { a: rotateAPIToken { token { id } } b: rotateAPIToken { token { id } } }",
            json!({}),
            "BAD_USER_INPUT",
            1,
        ),
        (deep.as_str(), json!({}), "GRAPHQL_VALIDATION_FAILED", 1),
        (
            "query Main { auditEvents(filter: { since: \"é\" }) { edges { cursor } } }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED",
            43,
        ),
    ] {
        for (before, behind, lines) in BESIDE {
            let body = json!({ "query": format!("{before}{document}{behind}"), "operationName": "Main", "variables": variables });
            let answer = Answer::of(server.admin.request("POST", "/graphql").json(&body).send().await.unwrap()).await;
            assert_eq!(answer.code(), Some(code), "{body}: {}", answer.body);
            let expected = json!([{ "line": 1 + lines, "column": column }]);
            assert_eq!(*locations(&answer), expected, "{body}: {}", answer.body);
        }
    }
}
