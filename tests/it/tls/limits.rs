//! What a client may hold up before it has sent a request.

use std::io::{Read, Write};

use nix::sys::signal::Signal;
use rotakey::http;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, advance, pause, resume};

use crate::support::certificates::Authority;
use crate::support::deadline::soon;
use crate::support::process::{Process, command};
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

#[test]
fn a_client_cannot_write_into_the_log() {
    let authority = Authority::new();
    authority.issue_local("server", 20);
    let mut command = command(authority.folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0", "--tls-certificate", "server.pem", "--tls-key", "server.key"]);
    let server = Process::listening(command);
    let address = server.url.strip_prefix("https://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    // Alerts that are only warnings (RFC 5246, section 7.2), then one that ends the connection.
    let (warning, fatal) = ([0x15, 3, 3, 0, 2, 1, 90], [0x15, 3, 3, 0, 2, 2, 80]);
    stream.write_all(&[warning, warning, fatal].concat()).unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
    server.signal(Signal::SIGTERM);
    let (status, _, stderr) = server.ended();
    assert!(status.success());
    assert!(!stderr.contains("WARN"), "{stderr}");
}
