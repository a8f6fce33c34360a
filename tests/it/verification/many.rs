//! Verifying many values in one request, over GraphQL and over REST.

use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::clock::MINUTE;
use crate::support::server::Server;
use crate::support::verification::{Question, VERIFY};

const VERIFY_MANY: &str =
    "query($inputs: [VerifyAPITokenInput!]!) { verifyAPITokens(inputs: $inputs) { valid code generation
    retiresAt missingScopes token { id name owner status generation value scopes lastUsedAt revokedAt
    values { generation firstUsedAt retiresAt } } } }";

const WAYS: [&str; 2] = ["GraphQL", "REST"];

async fn verify(caller: &Client, way: &str, inputs: Value) -> Answer {
    match way {
        "GraphQL" => caller.graphql(VERIFY_MANY, json!({ "inputs": inputs })).await,
        _ => caller.rest("POST", "/api-tokens/verify", json!({ "inputs": inputs })).await,
    }
}

/// The results; the answer must be good.
fn results(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let rest = answer.body["verifications"].as_array();
    rest.or_else(|| answer.body["data"]["verifyAPITokens"].as_array()).unwrap().clone()
}

/// The code of the error, its field and its message.
fn refusal(answer: &Answer) -> (String, String, String) {
    let body = if answer.body["errors"].is_array() { &answer.body["errors"][0] } else { &answer.body };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let details = if body["extensions"].is_object() { &body["extensions"] } else { body };
    (text(&details["code"]), text(&details["field"]), text(&body["message"]))
}

#[tokio::test]
async fn each_value_has_the_result_that_it_has_alone_in_the_order_of_the_inputs() {
    let server = Server::start().await;
    let admin = &server.admin;
    let plain = admin.create(json!({ "name": "plain", "scopes": ["read"] })).await.unwrap();
    let bound = admin.create(json!({ "name": "bound", "allowedCIDRBlocks": ["10.0.0.0/8"] })).await.unwrap();
    let web = admin.create(json!({ "name": "web", "allowedOrigins": ["https://a.example"] })).await.unwrap();
    let revoked = admin.create(json!({ "name": "revoked" })).await.unwrap();
    revoked.client.revoke(&revoked.id).await.unwrap();
    let previous = admin.create(json!({ "name": "previous" })).await.unwrap();
    let current = previous.client.with(previous.client.rotate().await.unwrap());
    let questions = [
        (Question { scopes: &["write"], ..Question::of(&plain.client) }, "SCOPE_MISSING"),
        (Question::about("rk_nothing"), "UNAUTHENTICATED"),
        (Question { scopes: &["read"], ..Question::of(&plain.client) }, "VALID"),
        (Question::of(&revoked.client), "TOKEN_REVOKED"),
        (Question::of(&bound.client), "ADDRESS_REFUSED"),
        (Question { address: Some("10.1.2.3"), ..Question::of(&bound.client) }, "VALID"),
        (Question { origin: Some("https://b.example"), ..Question::of(&web.client) }, "ORIGIN_REFUSED"),
        (Question::of(&previous.client), "VALID"),
        (Question::of(&current), "VALID"),
        (Question::about(""), "UNAUTHENTICATED"),
    ];
    let inputs: Vec<Value> = questions.iter().map(|(question, _)| question.input()).collect();
    // Each value has been used then, so that a use changes nothing more.
    verify(admin, "GraphQL", json!(inputs)).await;
    for way in WAYS {
        let found = results(&verify(admin, way, json!(inputs)).await);
        assert_eq!(found.len(), questions.len());
        for ((question, code), found) in questions.iter().zip(found) {
            assert_eq!(found["code"], json!(code), "{way}");
            let alone = admin.graphql(VERIFY, json!({ "input": question.input() })).await;
            let alone = &alone.body["data"]["verifyAPIToken"];
            for field in ["valid", "code", "generation", "retiresAt", "missingScopes"] {
                assert_eq!(found[field], alone[field], "{way} {code} {field}");
            }
            assert_eq!(found["token"].is_null(), alone["token"].is_null());
            assert_eq!(found["token"]["id"], alone["token"]["id"], "{way} {code}");
            assert!(found["token"]["value"].is_null(), "R9");
        }
    }
}

#[tokio::test]
async fn r5_the_first_use_of_each_is_durable_before_the_answer() {
    let server = Server::start().await;
    for way in WAYS {
        let mut holders = Vec::new();
        for _ in 0..20 {
            let old = server.admin.create(json!({ "name": "n" })).await.unwrap().client;
            let new = old.with(old.rotate().await.unwrap());
            holders.push((old, new));
        }
        let inputs: Vec<Value> = holders.iter().map(|(_, new)| Question::of(new).input()).collect();
        assert!(results(&verify(&server.admin, way, json!(inputs)).await).iter().all(|found| found["valid"] == true));
        let replica = server.replica().await;
        for (old, _) in holders {
            assert_eq!(old.at(&replica.url).rotate().await, Err("VALUE_SUPERSEDED".into()), "{way}");
        }
    }
}

#[tokio::test]
async fn from_1_to_100_values_are_verified_and_none_if_an_input_is_invalid() {
    let server = Server::start().await;
    let holder = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let old = holder.client;
    let new = old.with(old.rotate().await.unwrap());
    let input = |more: Value| {
        let mut input = Question::about("rk_nothing").input();
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let used = Question::of(&new).input();
    for way in WAYS {
        assert_eq!(results(&verify(&server.admin, way, json!(vec![input(json!({})); 100])).await).len(), 100);
        for count in [0, 101] {
            let answer = verify(&server.admin, way, json!(vec![used.clone(); count])).await;
            let message = "inputs must have 1 to 100 items.".to_owned();
            assert_eq!(refusal(&answer), ("BAD_USER_INPUT".into(), "inputs".into(), message), "{way}");
        }
        for (bad, field) in [
            (json!({ "address": "10.0.0.0/8" }), "address"),
            (json!({ "requiredScopes": ["a b"] }), "requiredScopes"),
            (
                json!({ "requiredScopes": vec!["x"; 101].iter().enumerate().map(|(n, x)| format!("{x}{n}")).collect::<Vec<_>>() }),
                "requiredScopes",
            ),
        ] {
            let answer = verify(&server.admin, way, json!([used, input(bad)])).await;
            let (code, named, message) = refusal(&answer);
            assert_eq!((code.as_str(), named.as_str()), ("BAD_USER_INPUT", field), "{way} {message}");
            assert!(message.starts_with("Item 2 of inputs: "), "{message}");
        }
    }
    for (bad, field) in [(json!({ "scopes": [] }), "scopes"), (json!({ "value": 3 }), "value"), (json!(null), "inputs")]
    {
        let bad = if bad.is_null() { bad } else { input(bad) };
        let (code, named, message) = refusal(&verify(&server.admin, "REST", json!([used, bad])).await);
        assert_eq!((code.as_str(), named.as_str()), ("BAD_USER_INPUT", field), "{message}");
        assert!(field == "inputs" || message.starts_with("Item 2 of inputs: "), "{message}");
    }
    // Otherwise the newer value would have been used, and this one be superseded.
    server.clock.advance(MINUTE);
    assert_eq!(old.rotate().await.map(drop), Ok(()));
}

#[tokio::test]
async fn it_needs_the_permission_to_verify_and_no_value_is_taken_from_an_address() {
    let server = Server::start().await;
    let holder = server.admin.create(json!({ "name": "n", "permissions": ["API_TOKEN_READ"] })).await.unwrap().client;
    let inputs = json!([Question::of(&holder).input()]);
    for way in WAYS {
        assert_eq!(refusal(&verify(&holder, way, inputs.clone()).await).0, "FORBIDDEN", "{way}");
    }
    let query = format!("{{ verifyAPITokens(inputs: {{value: \"{}\"}}) {{ valid }} }}", "rk_nothing");
    let path: String =
        url::form_urlencoded::Serializer::new("/graphql?".to_owned()).append_pair("query", &query).finish();
    let single = path.replace("verifyAPITokens%28inputs", "verifyAPIToken%28input");
    assert_ne!(single, path);
    for path in [path, single] {
        let answer = Answer::of(server.admin.request("GET", &path).send().await.unwrap()).await;
        assert_eq!(answer.status, 405, "{}", answer.body);
    }
}
