//! Requests that are small to send and meant to be large to answer.

use serde_json::json;

use crate::support::client::Answer;
use crate::support::server::Server;

async fn code(server: &Server, query: &str) -> Option<String> {
    let body = json!({ "query": query });
    // Who presents nothing may not send as much.
    let answer = Answer::of(server.admin.request("POST", "/graphql").json(&body).send().await.unwrap()).await;
    if body.to_string().len() > 16_384 {
        let anonymous =
            Answer::of(server.anonymous().request("POST", "/graphql").json(&body).send().await.unwrap()).await;
        assert_eq!((anonymous.status, anonymous.code()), (413, Some("BAD_USER_INPUT")));
    } else {
        let anonymous =
            Answer::of(server.anonymous().request("POST", "/graphql").json(&body).send().await.unwrap()).await;
        assert_eq!(anonymous.code(), answer.code());
    }
    answer.code().map(str::to_owned)
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

#[tokio::test]
async fn introspection_that_multiplies_is_refused_and_what_generators_ask_is_not() {
    let server = Server::start().await;
    let nested = |levels: usize| {
        format!(
            "{{ __schema {{ types {{ {} name {} }} }} }}",
            "interfaces { possibleTypes { ".repeat(levels),
            "} }".repeat(levels)
        )
    };
    assert_eq!(code(&server, &nested(1)).await, None);
    for levels in [2, 11] {
        assert_eq!(code(&server, &nested(levels)).await.as_deref(), Some("GRAPHQL_VALIDATION_FAILED"), "{levels}");
    }
    let spread = "{ __schema { types { ...a } } } fragment a on __Type { fields { type { ...b } } }
        fragment b on __Type { fields { type { fields { name } } } }";
    assert_eq!(code(&server, spread).await.as_deref(), Some("GRAPHQL_VALIDATION_FAILED"));
    let wide = |aliases: usize| {
        let field =
            |number| format!("f{number}: fields {{ args {{ name type {{ name }} }} type {{ fields {{ name }} }} }} ");
        format!("{{ __schema {{ types {{ {} }} }} }}", (0..aliases).map(field).collect::<String>())
    };
    assert_eq!(code(&server, &wide(1)).await, None);
    assert_eq!(code(&server, &wide(200)).await.as_deref(), Some("GRAPHQL_VALIDATION_FAILED"));
    // What every client generator asks, with every option on.
    let types = "ofType { kind name ".repeat(9) + &"}".repeat(9);
    let of = format!("kind name {types}");
    let input = format!("name description type {{ {of} }} defaultValue isDeprecated deprecationReason");
    let standard = format!(
        "{{ __schema {{ description queryType {{ name kind }} mutationType {{ name kind }} subscriptionType {{ name kind }}
        types {{ kind name description specifiedByURL isOneOf
            fields(includeDeprecated: true) {{ name description args(includeDeprecated: true) {{ {input} }} type {{ {of} }}
                isDeprecated deprecationReason }}
            inputFields(includeDeprecated: true) {{ {input} }} interfaces {{ {of} }}
            enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }} possibleTypes {{ {of} }} }}
        directives {{ name description isRepeatable locations args(includeDeprecated: true) {{ {input} }} }} }} }}"
    );
    assert_eq!(code(&server, &standard).await, None);
}

#[tokio::test]
async fn a_document_is_bounded_over_all_its_operations_and_in_bytes() {
    let server = Server::start().await;
    let operations = |count: usize, fields: usize| {
        let queries: String = (0..count).map(|number| format!("query q{number} {{ ...f }} ")).collect();
        format!("{queries} fragment f on Query {{ {} }}", "__typename ".repeat(fields))
    };
    for (count, fields) in [(51, 1), (50, 100), (600, 1)] {
        let refused = code(&server, &operations(count, fields)).await;
        assert_eq!(refused.as_deref(), Some("GRAPHQL_VALIDATION_FAILED"), "{count} {fields}");
    }
    for document in [format!("# {}\n{{ __typename }}", "c".repeat(200_000)), format!("{{ {} }}", "a".repeat(200_000))] {
        assert_eq!(code(&server, &document).await.as_deref(), Some("GRAPHQL_VALIDATION_FAILED"));
    }
}

#[tokio::test]
async fn long_input_is_shortened_in_errors() {
    let server = Server::start().await;
    let long = "a".repeat(100_000);
    for body in
        [json!({ "query": format!("{{ {long} }}") }), json!({ "query": "{ __typename }", "operationName": long })]
    {
        let answer = server.anonymous().request("POST", "/graphql").json(&body).send().await.unwrap();
        assert!(answer.text().await.unwrap().len() < 2_000);
    }
}
