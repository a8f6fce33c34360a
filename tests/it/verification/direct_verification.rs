//! `verifyAPIToken` alone and `currentAPIToken` alone are answered from the cache without the library that executes GraphQL. With a
//! directive, the library answers them. Both give the same body.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::clock::MINUTE;
use crate::support::server::Server;

const FIELDS: &str = "{ valid code generation retiresAt missing: missingScopes kind: __typename token
    { __typename id name of: owner kind status scopes generation expiresAt rotateBy } }";

/// The body of the answer, which must be the same with and without the library.
async fn ask(server: &Server, caller: &Client, input: &Value) -> Value {
    let document = |directive: &str| {
        format!("query($input: VerifyAPITokenInput!) {{ asked: verifyAPIToken(input: $input) {directive}{FIELDS} }}")
    };
    let variables = json!({ "input": input });
    let (direct, library) = (document(""), document("@include(if: true) "));
    let library = caller.graphql(&library, variables.clone()).await;
    assert!(!library.is_from_cache());
    let works = matches!(library.body["data"]["asked"]["code"].as_str(), Some("VALID" | "SCOPE_MISSING"));
    server.admin.catch_up().await;
    // The first request has the value cached.
    caller.graphql(&direct, variables.clone()).await;
    let answer = caller.graphql(&direct, variables).await;
    assert_eq!(answer.is_from_cache(), works, "{input}");
    assert_eq!((answer.status, &answer.body), (library.status, &library.body), "{input}");
    answer.body
}

#[tokio::test]
async fn every_outcome_has_the_same_body_with_and_without_the_library() {
    let server = Server::start().await;
    let end = rotakey::domain::timestamp::Timestamp::from_unix_millis(crate::support::clock::START + 60 * MINUTE);
    let more = json!({ "name": "n", "owner": "acme", "scopes": ["read", "write"], "expiresAt": end.to_string(),
        "rotationPeriodMinutes": 30, "overlapMinutes": 5 });
    let old = server.admin.create(more).await.unwrap();
    let new = old.client.rotate().await.unwrap();
    let old_value = old.client.value.clone().unwrap();
    let restricted =
        json!({ "name": "r", "allowedCIDRBlocks": ["10.0.0.0/8"], "allowedOrigins": ["https://a.example"] });
    let restricted = server.admin.create(restricted).await.unwrap().client.value.unwrap();
    let unknown = "rk_00000000000000000000000000000000000000000002gL6Az";
    let outcomes = |codes: [&'static str; 2]| {
        [
            (json!({ "value": new }), codes[0]),
            (json!({ "value": old_value }), codes[1]),
            (json!({ "value": new, "requiredScopes": ["read"], "address": null, "origin": null }), codes[0]),
        ]
    };
    for (input, code) in outcomes(["VALID", "VALID"]).into_iter().chain([
        (json!({ "value": new, "requiredScopes": ["read", "a", "b"] }), "SCOPE_MISSING"),
        (json!({ "value": unknown }), "UNAUTHENTICATED"),
        (json!({ "value": "" }), "UNAUTHENTICATED"),
        (json!({ "value": restricted, "address": "10.1.2.3", "origin": "https://a.example" }), "VALID"),
        (json!({ "value": restricted, "address": "11.1.2.3", "origin": "https://a.example" }), "ADDRESS_REFUSED"),
        (json!({ "value": restricted, "address": "10.1.2.3" }), "ORIGIN_REFUSED"),
    ]) {
        assert_eq!(ask(&server, &server.admin, &input).await["data"]["asked"]["code"], code, "{input}");
    }
    for (minutes, codes) in [
        (5, ["VALID", "VALUE_RETIRED"]),
        (30, ["ROTATION_OVERDUE", "ROTATION_OVERDUE"]),
        (60, ["TOKEN_EXPIRED", "TOKEN_EXPIRED"]),
    ] {
        server.clock.set(minutes * MINUTE);
        for (input, code) in outcomes(codes) {
            assert_eq!(ask(&server, &server.admin, &input).await["data"]["asked"]["code"], code, "{minutes} {input}");
        }
    }
}

#[tokio::test]
async fn every_refusal_has_the_same_body_with_and_without_the_library() {
    let server = Server::start().await;
    let plain = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
    let value = plain.value.clone().unwrap();
    for (caller, input, code) in [
        (&plain, json!({ "value": value }), "FORBIDDEN"),
        (&server.admin, json!({ "value": value, "requiredScopes": ["a b"] }), "BAD_USER_INPUT"),
        (&server.admin, json!({ "value": value, "address": "nowhere" }), "BAD_USER_INPUT"),
        (&server.admin, json!({ "value": 1 }), "BAD_USER_INPUT"),
        (&server.admin, json!({ "value": value, "more": 1 }), "BAD_USER_INPUT"),
        (&server.admin, json!({}), "BAD_USER_INPUT"),
        (&server.admin, Value::Null, "BAD_USER_INPUT"),
    ] {
        assert_eq!(ask(&server, caller, &input).await["errors"][0]["extensions"]["code"], code, "{input}");
    }
    let anonymous = server.anonymous();
    assert_eq!(
        ask(&server, &anonymous, &json!({ "value": value })).await["errors"][0]["extensions"]["code"],
        "UNAUTHENTICATED"
    );
}

#[tokio::test]
async fn a_request_that_is_not_an_object_is_refused_although_its_value_is_cached() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    ask(&server, &server.admin, &json!({ "value": value })).await;
    let query = format!("query($input: VerifyAPITokenInput!) {{ asked: verifyAPIToken(input: $input) {FIELDS} }}");
    for body in [
        json!([query, null, { "input": { "value": value } }, null]),
        json!({ "query": query, "variables": [{ "input": { "value": value } }] }),
        json!({ "query": query, "variables": { "input": [value, null, null, null] } }),
    ] {
        let answer = Answer::of(server.admin.request("POST", "/graphql").json(&body).send().await.unwrap()).await;
        assert!(!answer.is_from_cache() && answer.code() == Some("BAD_USER_INPUT"), "{}", answer.body);
    }
}

const OWN_FIELDS: &str = "{ __typename id name description of: owner kind status permissions scopes generation createdAt updatedAt
    rotatedAt lastUsedAt expiresAt rotationPeriodMinutes rotateBy overlapMinutes overlapStarts onReuse protected revokedAt
    suspendedAt notBefore }";

#[tokio::test]
async fn the_callers_own_token_has_the_same_body_with_and_without_the_library() {
    let server = Server::start().await;
    let end = rotakey::domain::timestamp::Timestamp::from_unix_millis(crate::support::clock::START + 60 * MINUTE);
    let more = json!({ "name": "n \"quoted\"", "description": "d\n", "owner": "acme", "scopes": ["read", "write"],
        "permissions": ["API_TOKEN_READ"], "expiresAt": end.to_string(), "rotationPeriodMinutes": 30, "overlapMinutes": 5 });
    let plain = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let full = server.admin.create(more).await.unwrap();
    let updated = json!({ "input": { "id": full.id, "description": "e" } });
    let update = "mutation($input: UpdateAPITokenInput!) { updateAPIToken(input: $input) { token { id } } }";
    assert_eq!(server.admin.graphql(update, updated).await.body["errors"], Value::Null);
    let old = full.client.clone();
    let new = old.with(old.rotate().await.unwrap());
    let (direct, library) = ("{ me: currentAPIToken", "{ me: currentAPIToken @include(if: true)");
    for (minutes, codes) in [
        (0, [None, None, None]),
        (5, [None, None, Some("VALUE_RETIRED")]),
        (30, [None, Some("ROTATION_OVERDUE"), Some("ROTATION_OVERDUE")]),
        (60, [None, Some("TOKEN_EXPIRED"), Some("TOKEN_EXPIRED")]),
    ] {
        server.clock.set(minutes * MINUTE);
        server.admin.catch_up().await;
        for (caller, code) in [&plain.client, &new, &old].into_iter().zip(codes) {
            // The first request writes the first use of the value. Once that has come back as a change, the next one has it cached.
            caller.graphql(&format!("{direct} {OWN_FIELDS} }}"), json!({})).await;
            server.admin.catch_up().await;
            caller.graphql(&format!("{direct} {OWN_FIELDS} }}"), json!({})).await;
            let library = caller.graphql(&format!("{library} {OWN_FIELDS} }}"), json!({})).await;
            let answer = caller.graphql(&format!("{direct} {OWN_FIELDS} }}"), json!({})).await;
            assert_eq!(answer.is_from_cache(), code.is_none(), "{minutes} {}", answer.body);
            assert!(!library.is_from_cache());
            assert_eq!((answer.status, &answer.body), (library.status, &library.body), "{minutes}");
            assert_eq!(answer.code(), code, "{minutes}");
        }
    }
    let anonymous = server.anonymous().graphql(&format!("{direct} {OWN_FIELDS} }}"), json!({})).await;
    assert_eq!(anonymous.code(), Some("UNAUTHENTICATED"));
    let body = json!({ "query": "{ currentAPIToken { id } }", "variables": [] });
    let answer = Answer::of(plain.client.request("POST", "/graphql").json(&body).send().await.unwrap()).await;
    assert_eq!(answer.code(), Some("BAD_USER_INPUT"), "variables that are no object");
}
