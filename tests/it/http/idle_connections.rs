//! Idle connections are closed, so that no client can keep others out by opening many.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use rotakey::http;
use rotakey::service::Policy;
use serde_json::json;

use super::pass;
use crate::support::client::Answer;
use crate::support::deadline::soon;
use crate::support::events::Events;
use crate::support::server::Server;

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Asks on a connection and waits for the whole answer.
async fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        assert_ne!(soon(stream.read_buf(&mut answer)).await.unwrap(), 0, "the connection was given up");
    }
}

async fn is_given_up(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // An end, or an error: what was sent and not read makes it one.
    let _ = soon(stream.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn a_silent_connection_is_closed_soon_and_one_that_sent_a_request_later() {
    let server = Server::start().await;
    let mut silent = connect(&server).await;
    let mut half = connect(&server).await;
    half.write_all(b"GET /verify HTTP/1.1\r\nHost:").await.unwrap();
    let mut kept = connect(&server).await;
    ask(&mut kept).await;
    pass(2).await;
    is_given_up(&mut silent).await;
    is_given_up(&mut half).await;
    ask(&mut kept).await;
    pass(4).await;
    ask(&mut kept).await;
    pass(7).await;
    is_given_up(&mut kept).await;
}

#[tokio::test]
async fn a_connection_with_a_stalled_body_is_closed() {
    let server = Server::start().await;
    let value = server.admin.value.clone().unwrap();
    for path in ["/graphql", "/introspect", "/api-tokens/self"] {
        let mut stalled = connect(&server).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {value}\r\nContent-Type: application/json\r\n\
             Content-Length: 100\r\n\r\n{{"
        );
        stalled.write_all(head.as_bytes()).await.unwrap();
        // Another request is answered meanwhile, so this one has come.
        let mut other = connect(&server).await;
        for _ in 0..10 {
            ask(&mut other).await;
        }
        pass(3).await;
        is_given_up(&mut stalled).await;
    }
}

/// Sends a request, closes the sending side, and reads to the end.
async fn ask_and_close(server: &Server, request: &str) -> String {
    let mut stream = connect(server).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_half_closes_after_its_request_still_gets_the_answer() {
    let server = Server::start().await;
    for number in 0..40 {
        let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
        let value = token.client.value.clone().unwrap();
        let body = json!({ "query": crate::support::client::ROTATE }).to_string();
        let (accept, length) = (["application/json", "text/event-stream"][number % 2], body.len());
        let answer = ask_and_close(
            &server,
            &format!(
                "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {value}\r\nContent-Type: application/json\r\n\
                 Accept: {accept}\r\nContent-Length: {length}\r\n\r\n{body}"
            ),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{number}: {answer:?}");
        let new = crate::support::process::find_value(&answer).unwrap();
        assert_eq!(token.client.with(new).check().await, Ok(2), "{number}");
    }
    let value = server.admin.value.clone().unwrap();
    for (method, path) in [("GET", "/verify"), ("GET", "/api-tokens/self"), ("POST", "/api-tokens/self/rotate")] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {value}\r\n\r\n");
        assert!(ask_and_close(&server, &request).await.starts_with("HTTP/1.1 2"), "{path}");
    }
    // The rest of a body cannot come any more.
    let half = format!("POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {value}\r\nContent-Length: 9\r\n\r\n{{");
    assert!(!ask_and_close(&server, &half).await.starts_with("HTTP/1.1 2"));
}

#[tokio::test]
async fn an_event_stream_survives_a_half_close_and_ends_when_its_client_is_gone() {
    let server = Server::start_with(Policy { max_streams_per_token: 1, ..Policy::default() }).await;
    let value = server.admin.value.clone().unwrap();
    let request = format!(
        "GET /graphql?query=subscription%7BauditEvents%7Baction%7D%7D HTTP/1.1\r\nHost: x\r\nX-API-Key: {value}\r\n\
         Accept: text/event-stream\r\n\r\n"
    );
    let mut stream = connect(&server).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut read = Vec::new();
    let said = |read: &[u8], text: &str| String::from_utf8_lossy(read).contains(text);
    while !said(&read, "\r\n\r\n") {
        assert_ne!(soon(stream.read_buf(&mut read)).await.unwrap(), 0);
    }
    server.admin.create(json!({ "name": "n" })).await.unwrap();
    while !said(&read, "API_TOKEN_CREATED") {
        assert_ne!(soon(stream.read_buf(&mut read)).await.unwrap(), 0);
    }
    drop(stream);
    // Its place is free again, long before the stream would say by itself that it is alive.
    let again = timeout(Duration::from_secs(8), async {
        loop {
            let mut events = Events::of_audit_log(&server.admin, json!({})).await;
            // The next subscriber gets this event, or a refusal.
            server.admin.create(json!({ "name": "n" })).await.unwrap();
            if events.action_or_code().await != "RATE_LIMITED" {
                return;
            }
        }
    });
    again.await.unwrap();
}

#[tokio::test]
async fn at_the_limit_of_connections_the_oldest_idle_one_is_closed() {
    let server = Server::start_serving(http::Settings { max_connections: 3, ..Server::settings() }).await;
    let value = server.admin.value.clone().unwrap();
    let (mut older, mut newer) = (connect(&server).await, connect(&server).await);
    ask(&mut older).await;
    ask(&mut newer).await;
    pass(1).await;
    ask(&mut newer).await;
    let mut busy = connect(&server).await;
    let half = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {value}\r\nContent-Type: application/json\r\nContent-Length: \
         30\r\n\r\n{{\"query\":"
    );
    busy.write_all(half.as_bytes()).await.unwrap();
    let mut fourth = connect(&server).await;
    ask(&mut fourth).await;
    is_given_up(&mut older).await;
    ask(&mut newer).await;
    busy.write_all(b"\"{ __typename }\"    }").await.unwrap();
    let mut answer = vec![0; 15];
    soon(busy.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn without_a_valid_credential_no_large_body_is_read() {
    let server = Server::start().await;
    let document = |length: usize| {
        let body = json!({ "query": "{ __typename }" }).to_string();
        body.clone() + &" ".repeat(length - body.len())
    };
    for (length, expected) in [(16_384, 200), (16_385, 413), (200_000, 413)] {
        for value in [None, server.admin.value.as_deref()] {
            let client = value.map_or(server.anonymous(), |value| server.anonymous().with(value));
            let request = client.request("POST", "/graphql").header("Content-Type", "application/json");
            let answer = Answer::of(request.body(document(length)).send().await.unwrap()).await;
            let expected = if value.is_some() { 200 } else { expected };
            assert_eq!(answer.status, expected, "{length} {}", answer.body);
            if expected == 413 {
                assert_eq!(answer.code(), Some("BAD_USER_INPUT"));
                assert!(answer.body.to_string().contains("X-API-Key"), "{}", answer.body);
            }
        }
    }
    // Nothing of it is waited for.
    for path in ["/graphql", "/introspect", "/api-tokens", "/rotatetoken"] {
        let mut stream = connect(&server).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: rk_wrong\r\nContent-Type: application/json\r\n\
             Content-Length: 100000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        soon(stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 401", "{path}");
    }
}

/// A WebSocket that has not said who it is.
async fn handshake(server: &Server) -> WebSocketStream<TcpStream> {
    let mut request = format!("{}/graphql", server.url.replace("http://", "ws://")).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    client_async(request, connect(server).await).await.unwrap().0
}

async fn init(socket: &mut WebSocketStream<TcpStream>, payload: serde_json::Value) {
    let message = json!({ "type": "connection_init", "payload": payload }).to_string();
    socket.send(Message::text(message)).await.unwrap();
    let answer = soon(socket.next()).await.unwrap().unwrap();
    assert_eq!(answer, Message::text(json!({ "type": "connection_ack" }).to_string()));
}

/// A frame whose payload may be shorter than it says.
fn frame(first: u8, length: u64, sent: usize) -> Vec<u8> {
    // The mask is zero.
    [&[first, 0xff], length.to_be_bytes().as_slice(), &[0; 4], &vec![b' '; sent]].concat()
}

async fn closed_with(mut socket: WebSocketStream<TcpStream>) -> u16 {
    loop {
        if let Message::Close(frame) = soon(socket.next()).await.unwrap().unwrap() {
            return frame.unwrap().code.into();
        }
    }
}

#[tokio::test]
async fn a_websocket_refuses_a_large_message_of_any_client() {
    let server = Server::start().await;
    let mut socket = handshake(&server).await;
    init(&mut socket, json!({ "X-API-Key": server.admin.value, "other": "x".repeat(65_000) })).await;
    let (text, unfinished_text, rest) = (0x81, 0x01, 0x80);
    for bytes in [
        // The head of a frame is enough, even if the frame never arrives whole.
        frame(text, 65_537, 10),
        frame(text, 1_048_000, 60_000),
        [frame(unfinished_text, 40_000, 40_000), frame(rest, 40_000, 40_000)].concat(),
    ] {
        let mut socket = handshake(&server).await;
        socket.get_mut().write_all(&bytes).await.unwrap();
        assert_eq!(closed_with(socket).await, 4400);
    }
}

/// Begins a request whose body does not come whole.
async fn stall(server: &Server) -> TcpStream {
    let mut stream = connect(server).await;
    let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn stalled_clients_keep_no_new_client_out() {
    for of_sockets in [false, true] {
        let server = Server::start_serving(http::Settings { max_connections: 3, ..Server::settings() }).await;
        let mut known = handshake(&server).await;
        init(&mut known, json!({ "X-API-Key": server.admin.value })).await;
        let mut waited_for = Vec::new();
        for _ in 0..2 {
            let stream = if of_sockets { handshake(&server).await.into_inner() } else { stall(&server).await };
            waited_for.push(stream);
        }
        let mut new = connect(&server).await;
        timeout(Duration::from_secs(5), ask(&mut new)).await.unwrap();
        timeout(Duration::from_secs(5), is_given_up(&mut waited_for[0])).await.unwrap();
        ask(&mut new).await;
        known.send(Message::text(json!({ "type": "ping" }).to_string())).await.unwrap();
        assert!(soon(known.next()).await.unwrap().unwrap().is_text(), "who has said who they are is not closed");
    }
}
