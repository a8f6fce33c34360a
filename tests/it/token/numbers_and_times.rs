//! Numbers and moments in every form in which JSON and RFC 3339 let a client write them, at every endpoint that reads one.

use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::server::Server;

const CREATE: &str = "mutation($input: CreateAPITokenInput!) { createAPIToken(input: $input) { token {
    overlapMinutes expiresAt } } }";

/// Sends JSON as it is written here, for a library would write numbers its own way.
async fn post(server: &Server, path: &str, body: String) -> Answer {
    let request = server.admin.request("POST", path).header("Content-Type", "application/json").body(body);
    Answer::of(request.send().await.unwrap()).await
}

/// Creates a token with this field as it is written here, by a variable and by REST: what the field then is, or why it is not.
async fn create(server: &Server, field: &str, written: &str) -> [Result<Value, String>; 2] {
    let input = format!(r#"{{ "name": "n", "{field}": {written} }}"#);
    let body = format!(r#"{{ "query": {}, "variables": {{ "input": {input} }} }}"#, json!(CREATE));
    let by_variable = post(server, "/graphql", body).await;
    let token = &by_variable.body["data"]["createAPIToken"]["token"];
    let by_variable = match by_variable.code() {
        Some(code) => Err(format!("{code} {}", by_variable.field().unwrap_or_default())),
        None => Ok(token[field].clone()),
    };
    let by_rest = post(server, "/api-tokens", input).await;
    let by_rest = match by_rest.body["code"].as_str() {
        Some(code) => Err(format!("{code} {}", by_rest.body["field"].as_str().unwrap_or_default())),
        None => Ok(by_rest.body[field].clone()),
    };
    [by_variable, by_rest]
}

#[tokio::test]
async fn a_whole_number_is_one_however_json_writes_it() {
    let server = Server::start().await;
    for (written, expected) in
        [("10", 10), ("10.0", 10), ("1E1", 10), ("1e+1", 10), ("100.00e-1", 10), ("-0", 0), ("-0.0", 0)]
    {
        let expected = [(); 2].map(|()| Ok(json!(expected)));
        assert_eq!(create(&server, "overlapMinutes", written).await, expected, "{written}");
    }
    for written in
        ["10.5", "1e-1", "2147483648.0", "1e10", "1e300", "-1e300", "12345678901234567890123", "\"10\"", "true"]
    {
        let expected = [(); 2].map(|()| Err("BAD_USER_INPUT overlapMinutes".to_owned()));
        assert_eq!(create(&server, "overlapMinutes", written).await, expected, "{written}");
    }
    // JSON has such numbers, and no type has room for them.
    for written in ["1e999", "-1e999999999999"] {
        let expected = [(); 2].map(|()| Err("BAD_USER_INPUT ".to_owned()));
        assert_eq!(create(&server, "overlapMinutes", written).await, expected, "{written}");
    }
}

#[tokio::test]
async fn a_whole_number_is_one_in_a_list_of_pages_in_an_id_and_in_a_url() {
    let server = Server::start().await;
    let query =
        "query($first: Int, $id: ID!) { apiTokens(first: $first) { edges { cursor } } apiToken(id: $id) { id } }";
    for (first, id, expected) in [
        ("1.0", "5.0", Some("NOT_FOUND")),
        ("1e0", "-0", Some("NOT_FOUND")),
        ("1", "5.5", Some("BAD_USER_INPUT")),
        ("1", "1e300", Some("BAD_USER_INPUT")),
        ("0.5", "5", Some("BAD_USER_INPUT")),
    ] {
        let variables = format!(r#"{{ "first": {first}, "id": {id} }}"#);
        let answer =
            post(&server, "/graphql", format!(r#"{{ "query": {}, "variables": {variables} }}"#, json!(query))).await;
        assert_eq!(answer.code(), expected, "{variables}: {}", answer.body);
        let parameters = [("query", query), ("variables", variables.as_str())];
        let url =
            url::form_urlencoded::Serializer::for_suffix("/graphql?".to_owned(), 9).extend_pairs(parameters).finish();
        let request = server.admin.request("GET", &url);
        let by_url = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(by_url.body, answer.body, "{variables}");
    }
}

#[tokio::test]
async fn the_version_of_a_persisted_query_is_a_whole_number_too() {
    let server = Server::start().await;
    let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
    for (version, code) in
        [("1", "PERSISTED_QUERY_NOT_FOUND"), ("1.0", "PERSISTED_QUERY_NOT_FOUND"), ("1.5", "BAD_USER_INPUT")]
    {
        let body = format!(
            r#"{{ "extensions": {{ "persistedQuery": {{ "version": {version}, "sha256Hash": "{hash}" }} }} }}"#
        );
        assert_eq!(post(&server, "/graphql", body).await.code(), Some(code), "{version}");
    }
}

#[tokio::test]
async fn a_moment_is_kept_as_it_is_written_or_refused() {
    let server = Server::start().await;
    for (written, expected) in [
        ("2030-01-31T12:00:00Z", "2030-01-31T12:00:00.000Z"),
        ("2030-01-31t12:00:00.5z", "2030-01-31T12:00:00.500Z"),
        ("2030-01-31T12:00:00.123456+00:00", "2030-01-31T12:00:00.123Z"),
        ("2030-01-31T12:00:00.12300000000000000000Z", "2030-01-31T12:00:00.123Z"),
        ("2030-01-31T12:00:00+23:59", "2030-01-30T12:01:00.000Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999Z"),
        ("9999-12-31T23:59:59+00:01", "9999-12-31T23:58:59.000Z"),
    ] {
        let expected = [(); 2].map(|()| Ok(json!(expected)));
        assert_eq!(create(&server, "expiresAt", &json!(written).to_string()).await, expected, "{written}");
    }
    for written in [
        "2030-06-30T23:59:60Z",
        "2030-01-31T24:00:00Z",
        "2030-01-31T12:60:00Z",
        "2030-01-31T12:00:61Z",
        "2030-01-31T12:00:00+24:00",
        "2030-01-31T12:00:00+00:60",
        "2030-02-29T12:00:00Z",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T24:00:00Z",
        "0000-01-01T00:00:00Z",
        "2030-01-31",
    ] {
        let expected = [(); 2].map(|()| Err("BAD_USER_INPUT expiresAt".to_owned()));
        assert_eq!(create(&server, "expiresAt", &json!(written).to_string()).await, expected, "{written}");
        let literal = CREATE.replace("$input)", &format!("{{ name: \"n\", expiresAt: \"{written}\" }})"));
        let literal = literal.replace("($input: CreateAPITokenInput!)", "");
        assert_eq!(server.admin.ask(&literal).await.code(), Some("GRAPHQL_VALIDATION_FAILED"), "{literal}");
    }
    let reported =
        server.admin.graphql(CREATE, json!({ "input": { "name": "n", "expiresAt": "2030-06-30T23:59:60Z" } })).await;
    assert!(reported.body["errors"][0]["message"].as_str().unwrap().contains("leap second"), "{}", reported.body);
}
