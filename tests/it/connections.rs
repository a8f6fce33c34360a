//! Connections on which nothing goes on are given up, so that nobody can keep others out by opening many.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, advance, pause, resume};

use crate::support::server::Server;

/// How often is looked, and a little more.
const PERIOD: Duration = Duration::from_secs(16);

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Asks on a connection and waits for the whole answer.
async fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the connection was given up");
    }
}

async fn pass(periods: u32) {
    for _ in 0..periods {
        pause();
        advance(PERIOD).await;
        resume();
    }
}

async fn is_given_up(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // An end, or an error: what was sent and not read makes it one.
    let _ = stream.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn who_says_nothing_or_half_of_something_is_given_up_and_who_has_asked_may_ask_again() {
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
async fn a_body_that_does_not_come_is_not_waited_for() {
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
