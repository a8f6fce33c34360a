//! What a client may hold up before it has sent a request.

use rotakey::http;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, advance, pause, resume};

use crate::support::certificates::Authority;
use crate::support::deadline::soon;
use crate::support::server::Server;

/// The head of a record with a handshake message of 512 bytes, which do not come.
const HALF_A_HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1];

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

async fn is_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
}

async fn pass(seconds: u64) {
    pause();
    advance(Duration::from_secs(seconds)).await;
    resume();
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// One request by TLS.
async fn ask(authority: &Authority, server: &Server) {
    let mut stream = authority.connect(&server.url).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_handshake_has_ten_seconds_and_a_silent_client_no_longer_than_without_tls() {
    let authority = Authority::new();
    let settings = http::Settings { tls: Some(authority.tls()), ..Server::settings() };
    let server = Server::start_serving(settings).await;
    let (mut slow, mut silent) = (connect(&server).await, connect(&server).await);
    slow.write_all(HALF_A_HELLO).await.unwrap();
    // By the time a later connection is served, these have been accepted.
    ask(&authority, &server).await;
    // Less than a period of the idle timeout.
    pass(11).await;
    is_closed(&mut slow).await;
    for _ in 0..2 {
        pass(16).await;
    }
    is_closed(&mut silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_counts_from_its_start_and_makes_room_for_one_that_gets_on() {
    let authority = Authority::new();
    let settings = http::Settings { tls: Some(authority.tls()), max_connections: 2, ..Server::settings() };
    let server = Server::start_serving(settings).await;
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let mut stream = connect(&server).await;
        stream.write_all(HALF_A_HELLO).await.unwrap();
        stalled.push(stream);
    }
    ask(&authority, &server).await;
    // The oldest had to go.
    is_closed(&mut stalled[0]).await;
}
