//! What `async-graphql-axum` does otherwise than we promise, and so which files of ours stay. A test that fails here says that the
//! crate has caught up: then see whether the file that its comment names can go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{Data, EmptySubscription, Object, Schema};
use async_graphql_axum::{GraphQL, GraphQLProtocol, GraphQLWebSocket};
use axum::Router;
use axum::extract::{DefaultBodyLimit, WebSocketUpgrade};
use axum::routing::{get, get_service};
use futures_util::{SinkExt, StreamExt};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const MAX_BODY_BYTES: usize = 1_024;

#[derive(Clone, Default)]
struct Changes(Arc<AtomicUsize>);

struct Query;

#[Object]
impl Query {
    async fn number(&self) -> i32 {
        1
    }

    async fn never(&self) -> i32 {
        std::future::pending().await
    }
}

#[Object]
impl Changes {
    async fn change(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A server of the crate's extractors, responses and sockets; where it is, and how often something was changed.
async fn start() -> (String, Changes) {
    let changes = Changes::default();
    let schema = Schema::new(Query, changes.clone(), EmptySubscription);
    let sockets = schema.clone();
    let upgrade = async |protocol: GraphQLProtocol, upgrade: WebSocketUpgrade, schema| {
        upgrade.protocols(["graphql-transport-ws"]).on_upgrade(async move |socket| {
            let refuse = async |payload: Value| match payload["refuse"].is_null() {
                true => Ok(Data::default()),
                false => Err("refused".into()),
            };
            GraphQLWebSocket::new(socket, schema, protocol).on_connection_init(refuse).serve().await;
        })
    };
    let routes = Router::new()
        .route("/graphql", get_service(GraphQL::new(schema.clone())).post_service(GraphQL::new(schema)))
        .route("/socket", get(move |protocol, socket| upgrade(protocol, socket, sockets)))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (address.to_string(), changes)
}

/// `src/http/graphql/request.rs`, `src/http/body/json.rs` and what the endpoint asks before either.
#[tokio::test]
async fn its_extractors_read_what_must_be_refused() {
    let (address, changes) = start().await;
    let (url, client) = (format!("http://{address}/graphql"), reqwest::Client::new());
    client.get(format!("{url}?query=mutation%7Bchange%7D")).send().await.unwrap();
    assert_eq!(changes.0.load(Ordering::Relaxed), 1, "a GET changes something");
    let simple = client.post(&url).header(CONTENT_TYPE, "text/plain").body(r#"{"query":"mutation{change}"}"#);
    simple.send().await.unwrap();
    assert_eq!(changes.0.load(Ordering::Relaxed), 2, "any page may make a browser send a change");
    let padding = " ".repeat(4 * MAX_BODY_BYTES);
    let large = client.post(&url).json(&json!({ "query": format!("{{ number }}{padding}") }));
    assert_eq!(large.send().await.unwrap().status(), 200, "a body of any length is read");
    let two = "query%20A%7Bnumber%7Dquery%20B%7Bnumber%7D";
    let named = client.get(format!("{url}?query={two}&operationName=B")).send().await.unwrap();
    let named: Value = named.json().await.unwrap();
    assert!(named["errors"].is_array(), "the name of the operation is not read from a URL: {named}");
}

/// `src/graphql/engine/answer.rs`, and how the endpoint writes it.
#[tokio::test]
async fn its_response_does_not_follow_graphql_over_http() {
    let (address, _) = start().await;
    let request = reqwest::Client::new().post(format!("http://{address}/graphql"));
    let response = request.header("Accept", "application/json").json(&json!({ "query": "{" })).send().await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "application/graphql-response+json", "Accept is not read");
    assert_eq!(response.status(), 200, "what was not executed is not a 4xx");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body.get("data"), Some(&Value::Null), "what was not executed has data");
}

/// What the server says to these messages, up to so many answers or its close code; 0 if what it sends is not a WebSocket's.
async fn converse(address: &str, messages: &[Message], answers: usize) -> Vec<Result<Value, u16>> {
    let mut request = format!("ws://{address}/socket").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    for message in messages {
        socket.send(message.clone()).await.unwrap();
    }
    let mut said = Vec::new();
    while said.len() < answers {
        match tokio::time::timeout(std::time::Duration::from_secs(10), socket.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => said.push(Ok(serde_json::from_str(&text).unwrap())),
            Some(Ok(Message::Close(frame))) => said.push(Err(frame.map_or(1005, |frame| frame.code.into()))),
            Some(Ok(_)) => {}
            Some(Err(_)) => said.push(Err(0)),
            None => panic!("the server ended the connection after {said:?}"),
        }
    }
    said
}

/// `src/http/graphql/socket.rs` and `src/http/graphql/protocol.rs`.
#[tokio::test]
async fn its_sockets_do_not_follow_graphql_transport_ws() {
    let (address, _) = start().await;
    let text = |message: Value| Message::text(message.to_string());
    let init = text(json!({ "type": "connection_init" }));
    let operation =
        |id: &str, query: &str| text(json!({ "type": "subscribe", "id": id, "payload": { "query": query } }));
    for (messages, code, ours) in [
        (vec![operation("1", "{ number }")], 1011, 4401),
        (vec![text(json!({ "type": "connection_init", "payload": { "refuse": true } }))], 1002, 4403),
        // Its reason quotes the parser and is longer than a close frame may be (RFC 6455, section 5.5).
        (vec![text(json!({ "type": "other" }))], 0, 4400),
    ] {
        assert_eq!(converse(&address, &messages, 1).await, [Err(code)], "and not {ours}");
    }
    let ack = Ok(json!({ "type": "connection_ack" }));
    let refused = converse(&address, &[init.clone(), operation("1", "{")], 2).await;
    assert_eq!(refused[0], ack);
    assert_eq!(refused[1].as_ref().unwrap()["type"], json!("next"), "what was not executed is not an error");
    // A second operation of one id takes the place of the first, and is not 4409.
    let twice = [init.clone(), operation("1", "{ never }"), operation("1", "{ number }")];
    let twice = converse(&address, &twice, 3).await;
    assert_eq!(twice[1].as_ref().unwrap()["payload"]["data"], json!({ "number": 1 }));
    // Nothing bounds how many operations run on one socket.
    let many = (0..100).map(|id| operation(&id.to_string(), "{ never }"));
    let many: Vec<_> = std::iter::once(init).chain(many).chain([operation("last", "{ number }")]).collect();
    assert_eq!(converse(&address, &many, 2).await[1].as_ref().unwrap()["id"], json!("last"));
}
