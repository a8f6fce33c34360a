//! In the last tenth of its period, a token is told that it must be rotated: in every answer to its holder (R16).

use futures_util::{SinkExt, StreamExt};
use rotakey::graphql::Settings;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::client::{Answer, Client, ROTATE};
use crate::support::clock::MINUTE;
use crate::support::deadline::soon;
use crate::support::events::Events;
use crate::support::server::Server;

const DEADLINE: &str = "2026-01-01T01:00:00.000Z";

/// The holder of a token that must be rotated every hour.
async fn holder(server: &Server) -> Client {
    let input = json!({ "name": "n", "rotationPeriodMinutes": 60, "scopes": ["read"],
        "permissions": ["API_TOKEN_READ", "API_TOKEN_VERIFY", "AUDIT_LOG_READ"] });
    let client = server.admin.create(input).await.unwrap().client;
    // The first use is written, so that further answers need not wait for anything.
    assert_eq!(client.check().await, Ok(1));
    client
}

/// What an answer to a GraphQL request says about the rotation: in its body, and in its headers.
fn warnings(answer: &Answer) -> (Option<&str>, Option<&str>) {
    let extensions = &answer.body["extensions"];
    assert!(extensions.is_null() || extensions.as_object().unwrap().len() == 1, "{extensions}");
    (extensions["rotateBy"].as_str(), answer.header("X-Token-Rotate-By"))
}

async fn post(client: &Client, accept: &str, body: &Value) -> Answer {
    let request = client.request("POST", "/graphql").header("Accept", accept).json(body);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn r16_the_last_tenth_of_the_period_begins_at_one_moment_for_all_ways_of_answering() {
    let server = Server::start_graphql(Settings { max_batch: 2, ..Settings::default() }).await;
    let client = holder(&server).await;
    let verify = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { valid } }";
    let verify = json!({ "query": verify, "variables": { "input": { "value": client.value } } });
    let requests = [
        json!({ "query": "{ currentAPIToken { id } }" }),
        // Executed by the library.
        json!({ "query": "{ currentAPIToken { id values { generation } } }" }),
        verify.clone(),
        json!({ "query": verify["query"], "variables": verify["variables"], "extensions": {} }),
        // An error of a field, of the document and of its operation.
        json!({ "query": "{ webhooks { nodes { id } } }" }),
        json!({ "query": "{ nonsense }" }),
        json!({ "query": "{ currentAPIToken { id } }", "operationName": "Missing" }),
    ];
    for (moment, due) in [(54 * MINUTE - 1, None), (54 * MINUTE, Some(DEADLINE)), (60 * MINUTE - 1, Some(DEADLINE))] {
        server.clock.set(moment);
        for request in &requests {
            // Twice: from the database, and from memory.
            for accept in ["application/json", "application/graphql-response+json"] {
                let answer = post(&client, accept, request).await;
                assert_eq!(warnings(&answer), (due, due), "{request} at {moment}: {}", answer.body);
            }
        }
        let batch = post(&client, "application/json", &json!([requests[0], requests[5]])).await;
        assert_eq!(batch.header("X-Token-Rotate-By"), due);
        for answer in batch.body.as_array().unwrap() {
            assert_eq!(answer["extensions"]["rotateBy"].as_str(), due, "{answer}");
        }
        let url = "/graphql?query=%7BcurrentAPIToken%7Bid%7D%7D";
        let answer = Answer::of(client.request("GET", url).send().await.unwrap()).await;
        assert_eq!(warnings(&answer), (due, due), "by GET");
    }
}

#[tokio::test]
async fn r16_every_other_endpoint_says_it_in_a_header_and_so_do_refusals() {
    let server = Server::start().await;
    let client = holder(&server).await;
    server.clock.set(55 * MINUTE);
    let form = format!("token={}", client.value.as_deref().unwrap());
    let form_type = ("Content-Type", "application/x-www-form-urlencoded");
    for (request, status) in [
        (client.request("GET", "/api-tokens/self"), 200),
        (client.request("GET", "/api-tokens/tok_0"), 404),
        (client.request("POST", "/webhooks").json(&json!({})), 400),
        (client.request("POST", "/introspect").header(form_type.0, form_type.1).body(form), 200),
        (client.request("GET", "/verify"), 200),
        (client.request("GET", "/verify?scope=write"), 403),
        (client.request("GET", "/schema.graphql"), 200),
        (client.request("POST", "/graphql").header("Accept", "image/png").json(&json!({})), 406),
        (client.request("GET", "/graphql?query=mutation%7BrotateAPIToken%7Btoken%7Bid%7D%7D%7D"), 405),
    ] {
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.header("X-Token-Rotate-By"), Some(DEADLINE), "{}", answer.body);
    }
}

#[tokio::test]
async fn r16_an_answer_that_brings_the_new_value_warns_no_more() {
    let server = Server::start().await;
    let client = holder(&server).await;
    server.clock.set(55 * MINUTE);
    let rotated = client.ask(ROTATE).await;
    assert_eq!(warnings(&rotated), (None, None));
    let new = client.with(rotated.value_of("rotateAPIToken").unwrap());
    for client in [&new, &client] {
        assert_eq!(warnings(&client.ask("{ currentAPIToken { id } }").await), (None, None));
    }
    server.clock.set(110 * MINUTE);
    let due = "2026-01-01T01:55:00.000Z";
    assert_eq!(warnings(&new.ask("{ currentAPIToken { id } }").await), (Some(due), Some(due)));
    let rotated = new.rest("POST", "/api-tokens/self/rotate", json!({})).await;
    assert_eq!((rotated.status, rotated.header("X-Token-Rotate-By")), (200, None), "{}", rotated.body);
    let newest = new.with(rotated.body["value"].as_str().unwrap());
    server.clock.set(169 * MINUTE);
    let revoke = "mutation { revokeAPIToken(input: { id: \"ID\" }) { token { id status } } }";
    let id = newest.ask("{ currentAPIToken { id } }").await.body["data"]["currentAPIToken"]["id"].clone();
    let revoked = newest.ask(&revoke.replace("ID", id.as_str().unwrap())).await;
    assert_eq!((revoked.code(), warnings(&revoked)), (None, (None, None)), "{}", revoked.body);
}

#[tokio::test]
async fn r16_the_events_of_a_subscription_say_it_from_the_moment_on_and_until_the_rotation() {
    let server = Server::start().await;
    let client = holder(&server).await;
    let query = "subscription { auditEvents(filter: { actions: [API_TOKEN_CREATED] }) { action } }";
    let mut events = Events::of(&client, query, json!({})).await.unwrap();
    // It gets the same events, and is never warned.
    let mut others = Events::of(&server.admin, query, json!({})).await.unwrap();
    let mut next = async |due: Option<&str>| {
        server.admin.create(json!({ "name": "n" })).await.unwrap();
        let (_, event) = events.next().await.unwrap();
        assert_eq!(event["data"]["auditEvents"]["action"], json!("API_TOKEN_CREATED"), "{event}");
        assert_eq!(event["extensions"]["rotateBy"].as_str(), due, "{event}");
        let (_, event) = others.next().await.unwrap();
        assert_eq!(event, json!({ "data": { "auditEvents": { "action": "API_TOKEN_CREATED" } } }));
    };
    next(None).await;
    server.clock.set(54 * MINUTE);
    next(Some(DEADLINE)).await;
    client.rotate().await.unwrap();
    next(None).await;
}

#[tokio::test]
async fn r16_an_answer_on_a_socket_says_it_too() {
    let server = Server::start().await;
    let client = holder(&server).await;
    let mut request = format!("{}/graphql", server.url.replace("http://", "ws://")).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let mut socket = connect_async(request).await.unwrap().0;
    let init = json!({ "type": "connection_init", "payload": { "X-API-Key": client.value } });
    socket.send(Message::text(init.to_string())).await.unwrap();
    let mut due = Value::Null;
    for minute in [53, 54] {
        server.clock.set(minute * MINUTE);
        let query = json!({ "query": "{ currentAPIToken { generation } }" });
        let query = json!({ "type": "subscribe", "id": minute.to_string(), "payload": query });
        socket.send(Message::text(query.to_string())).await.unwrap();
        let answer = loop {
            let message = soon(socket.next()).await.unwrap().unwrap();
            let message: Value = serde_json::from_str(message.to_text().unwrap()).unwrap_or_default();
            if message["type"] == "next" {
                break message;
            }
        };
        assert_eq!(answer["payload"]["data"]["currentAPIToken"]["generation"], json!(1));
        assert_eq!(answer["payload"]["extensions"], due);
        due = json!({ "rotateBy": DEADLINE });
    }
}

#[tokio::test]
async fn r16_a_subscription_that_is_refused_says_it_too() {
    let server = Server::start().await;
    let client = server.admin.create(json!({ "name": "n", "rotationPeriodMinutes": 60 })).await.unwrap().client;
    server.clock.set(54 * MINUTE);
    let mut events = Events::of(&client, "subscription { auditEvents { action } }", json!({})).await.unwrap();
    let (_, refused) = events.next().await.unwrap();
    assert_eq!(refused["errors"][0]["extensions"]["code"], json!("FORBIDDEN"));
    assert_eq!(refused["extensions"], json!({ "rotateBy": DEADLINE }));
}
