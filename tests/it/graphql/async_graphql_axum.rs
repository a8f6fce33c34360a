//! What `async-graphql-axum` cannot do that we promise, and so which files of ours stay. Each assertion is a reason. One that fails says
//! that the crate has caught up: then see whether the file that the comment of its test names can go.
//!
//! The last two tests run its socket over an executor of ours in place of a schema: what they show does not depend on the executor.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use async_graphql::http::{DefaultOnConnInitType, DefaultOnPingType};
use async_graphql::{Data, EmptySubscription, Executor, Object, Request, Response, Schema, ServerError};
use async_graphql_axum::{GraphQL, GraphQLProtocol, GraphQLWebSocket};
use axum::Router;
use axum::extract::ws::Message as AxumMessage;
use axum::extract::{DefaultBodyLimit, FromRequestParts, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::routing::{get, get_service};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, Sink, SinkExt, StreamExt, sink, stream};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::deadline::soon;

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
        pending().await
    }

    async fn failing(&self) -> async_graphql::Result<i32> {
        Err("failed".into())
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

/// `src/http/graphql/request_parameters.rs`, `src/http/body/{json,media_type}.rs` and what the endpoint asks before either.
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
    let secret = client.get(format!("{url}?query=%7Bnumber%7D&variables=%22rk_secret%22")).send().await.unwrap();
    assert!(secret.text().await.unwrap().contains("rk_secret"), "a rejection repeats what was sent (R9)");
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
    let request = reqwest::Client::new().post(format!("http://{address}/graphql"));
    let text = request.json(&json!({ "query": "{ failing }" })).send().await.unwrap().text().await.unwrap();
    assert!(text.find("\"data\"") < text.find("\"errors\""), "errors are not first, where a reader sees them: {text}");
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
        match soon(socket.next()).await {
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
    // A client that ends an operation and starts another of the same id is told that the new one is complete.
    let complete = text(json!({ "type": "complete", "id": "1" }));
    let ended = [init.clone(), operation("1", "{ never }"), complete, operation("1", "{ never }")];
    assert_eq!(converse(&address, &ended, 2).await[1], Ok(json!({ "type": "complete", "id": "1" })));
    // Messages of the older protocol are obeyed on a socket of the newer one.
    let start = text(json!({ "type": "start", "id": "1", "payload": { "query": "{ number }" } }));
    assert_eq!(converse(&address, &[init.clone(), start], 2).await[1].as_ref().unwrap()["type"], json!("next"));
    // Nothing bounds how many operations run on one socket.
    let many = (0..100).map(|id| operation(&id.to_string(), "{ never }"));
    let many: Vec<_> = std::iter::once(init).chain(many).chain([operation("last", "{ number }")]).collect();
    assert_eq!(converse(&address, &many, 2).await[1].as_ref().unwrap()["id"], json!("last"));
}

/// An executor that answers every operation by what this makes of its document.
#[derive(Clone)]
struct Answering<F>(F);

impl<F> Executor for Answering<F>
where
    F: Fn(&str) -> BoxStream<'static, Response> + Clone + Send + Sync + Unpin + 'static,
{
    async fn execute(&self, _: Request) -> Response {
        Response::default()
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        (self.0)(&request.query)
    }
}

/// The subprotocol that the crate takes from this header.
async fn protocol(header: &str) -> Result<GraphQLProtocol, StatusCode> {
    let (mut head, ()) =
        axum::http::Request::builder().header("sec-websocket-protocol", header).body(()).unwrap().into_parts();
    GraphQLProtocol::from_request_parts(&mut head, &()).await
}

type Incoming = BoxStream<'static, Result<AxumMessage, axum::Error>>;

/// The crate's socket of a client that sends `connection_init` and these messages, and stays.
async fn socket<S, F>(
    sink: S,
    messages: &[Value],
    answers: F,
) -> GraphQLWebSocket<S, Incoming, Answering<F>, DefaultOnConnInitType, DefaultOnPingType>
where
    S: Sink<AxumMessage>,
    Answering<F>: Executor,
{
    let init = json!({ "type": "connection_init" });
    let messages = std::iter::once(&init).chain(messages).map(|message| Ok(message.to_string().into()));
    let stream = stream::iter(messages.collect::<Vec<_>>()).chain(stream::pending()).boxed();
    GraphQLWebSocket::new_with_pair(sink, stream, Answering(answers), protocol("graphql-transport-ws").await.unwrap())
}

fn subscribe(id: &str) -> Value {
    json!({ "type": "subscribe", "id": id, "payload": { "query": id } })
}

/// `src/http/graphql/socket_upgrade.rs`.
#[tokio::test]
async fn its_protocol_cannot_be_asked_for_the_newer_one_alone() {
    // The type is opaque, so only its `Debug` tells the two apart.
    let older = protocol("graphql-ws, graphql-transport-ws").await.unwrap();
    assert_ne!(older, protocol("graphql-transport-ws").await.unwrap(), "the older one is chosen");
    assert_eq!(protocol("other").await, Err(StatusCode::BAD_REQUEST), "and not a message, or a close with 4406");
}

/// `src/http/graphql/socket.rs`.
#[tokio::test]
async fn no_executor_can_refuse_an_operation_or_close_its_socket() {
    let answers = |query: &str| match query {
        "refused" => stream::iter([Response::from_errors(vec![ServerError::new("refused", None)])]).boxed(),
        _ => stream::empty().boxed(),
    };
    let said = Arc::new(Mutex::new(Vec::new()));
    let sink = sink::unfold(said.clone(), async |said: Arc<Mutex<Vec<_>>>, message: AxumMessage| {
        said.lock().unwrap().push(message);
        Ok::<_, ()>(said)
    });
    let socket = socket(sink, &[subscribe("refused"), subscribe("ended")], answers).await;
    // It sends no pings. So it closes idle clients that are there, or without this timeout keeps clients that are gone.
    soon(socket.keepalive_timeout(Duration::from_millis(50)).serve()).await;
    let mut said = std::mem::take(&mut *said.lock().unwrap());
    let Some(AxumMessage::Close(Some(frame))) = said.pop() else { panic!("not closed: {said:?}") };
    assert_eq!(frame.code, 3008);
    let mut kinds: Vec<_> = said
        .iter()
        .map(|message| {
            let message: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
            (message["id"].as_str().unwrap_or_default().to_owned(), message["type"].as_str().unwrap().to_owned())
        })
        .collect();
    kinds.sort();
    let expected = [("", "connection_ack"), ("ended", "complete"), ("refused", "complete"), ("refused", "next")];
    assert_eq!(kinds, expected.map(|(id, kind)| (id.to_owned(), kind.to_owned())), "nothing is an error");
}

/// `src/http/graphql/socket.rs`.
#[tokio::test]
async fn a_client_that_does_not_read_stops_all_operations_of_its_socket() {
    static HOLDS: AtomicBool = AtomicBool::new(false);
    let poll_holding = |ctx: &mut Context<'_>| {
        if HOLDS.swap(true, Ordering::Relaxed) {
            HOLDS.store(false, Ordering::Relaxed);
            return Poll::Ready(Response::default());
        }
        ctx.waker().wake_by_ref();
        Poll::Pending
    };
    let poll_talking = |ctx: &mut Context<'_>| {
        if HOLDS.load(Ordering::Relaxed) {
            return Poll::Ready(Response::default());
        }
        ctx.waker().wake_by_ref();
        Poll::Pending
    };
    let answers = move |query: &str| match query {
        // It takes something, such as a connection to the database, and gives it back when it is polled again.
        "holds" => stream::once(poll_fn(poll_holding)).boxed(),
        _ => stream::once(poll_fn(poll_talking)).boxed(),
    };
    // The client reads the acknowledgement, and nothing after it.
    let sink = sink::unfold(0, async |taken: u32, _: AxumMessage| match taken {
        0 => Ok::<_, ()>(1),
        _ => pending().await,
    });
    let socket = socket(sink, &[subscribe("holds"), subscribe("talks")], answers).await;
    let mut served = pin!(socket.serve());
    for _ in 0..10 {
        assert!(served.as_mut().now_or_never().is_none());
    }
    assert!(HOLDS.load(Ordering::Relaxed), "the operation goes on while the answer of another waits for the client");
}
