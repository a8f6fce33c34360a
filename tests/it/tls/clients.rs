//! Clients over TLS, and clients that must not get in.

use std::process::{Command, Stdio};

use futures_util::{SinkExt, StreamExt};
use rotakey::http;
use serde_json::{Value, json};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use rotakey::tls::{Files, Tls};

use crate::support::certificates::Authority;
use crate::support::client::{Answer, ROTATE};
use crate::support::deadline::soon;
use crate::support::process::Process;
use crate::support::server::Server;

/// A server with TLS, and its HTTPS URL.
pub async fn start(tls: Tls) -> (Server, String) {
    let server = Server::start_serving(http::Settings { tls: Some(tls), ..Server::settings() }).await;
    let url = server.url.replace("http://127.0.0.1", "https://localhost");
    (server, url)
}

pub fn header(server: &Server) -> String {
    format!("X-API-Key: {}", server.admin.value.as_deref().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_verified_and_rotated_by_both_versions_of_http_and_of_tls() {
    let authority = Authority::new();
    let (server, url) = start(authority.tls()).await;
    let verify = format!("{url}/verify");
    for (http, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        for tls in ["--tls-max=1.2", "--tlsv1.3"] {
            let tls = tls.split('=').collect::<Vec<_>>();
            let mut arguments = vec![http, "-o", "/dev/null", "-w", "%{http_code} %{http_version}", "-H"];
            let header = header(&server);
            arguments.extend([header.as_str(), &verify].into_iter().chain(tls));
            assert_eq!(authority.curled(&arguments), format!("200 {version}"), "{arguments:?}");
        }
    }
    let (body, graphql) = (json!({ "query": ROTATE }).to_string(), format!("{url}/graphql"));
    let rotated =
        authority.curled(&["-H", &header(&server), "-H", "Content-Type: application/json", "-d", &body, &graphql]);
    let value = crate::support::process::find_value(&rotated).unwrap();
    let header = format!("Authorization: Bearer {value}");
    assert!(authority.curled(&["-H", &header, &format!("{url}/api-tokens/self")]).contains("\"generation\":2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_before_tls_1_2_are_refused() {
    let authority = Authority::new();
    let (_server, url) = start(authority.tls()).await;
    let address = url.trim_start_matches("https://");
    for (version, accepted) in [("-tls1", false), ("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)] {
        let mut client = Command::new("openssl");
        // The lowest level of security: else the client itself would refuse the old versions.
        client.args(["s_client", "-connect", address, version, "-cipher", "ALL:@SECLEVEL=0"]).stdin(Stdio::null());
        let output = Process::output(&mut client);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(!said.contains("Cipher is (NONE)"), accepted, "{version}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_tls_is_answered_that_it_needs_tls() {
    let authority = Authority::new();
    let (server, url) = start(authority.tls()).await;
    for (method, path) in
        [("GET", "/verify"), ("POST", "/graphql"), ("GET", "/healthz"), ("DELETE", "/api-tokens/self")]
    {
        let answer = Answer::of(server.admin.request(method, path).send().await.unwrap()).await;
        assert_eq!((answer.status, answer.code()), (400, Some("BAD_USER_INPUT")), "{method} {path}");
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(answer.body.to_string().contains("https://"));
    }
    let metrics = authority.curled(&["-H", &header(&server), &format!("{url}/metrics")]);
    assert!(metrics.contains("rotakey_tls_handshakes_total{outcome=\"plain_http\"} 4\n"), "{metrics}");
    assert!(metrics.contains("rotakey_tls_handshakes_total{outcome=\"completed\"} 1\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_runs_over_a_secure_websocket() {
    let authority = Authority::new();
    let (server, _) = start(authority.tls()).await;
    let mut request = "wss://localhost/graphql".into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let stream = authority.connect(&server.url).await.unwrap();
    let (mut socket, _) = soon(client_async(request, stream)).await.unwrap();
    let query = json!({ "query": "{ currentAPIToken { generation } }" });
    for message in [
        json!({ "type": "connection_init", "payload": { "X-API-Key": server.admin.value } }),
        json!({ "id": "1", "type": "subscribe", "payload": query }),
    ] {
        socket.send(Message::text(message.to_string())).await.unwrap();
    }
    let mut next = async || {
        let said = soon(socket.next()).await.unwrap().unwrap();
        serde_json::from_str::<Value>(said.to_text().unwrap()).unwrap()
    };
    assert_eq!(next().await["type"], "connection_ack");
    assert_eq!(next().await["payload"]["data"]["currentAPIToken"]["generation"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_authority_for_clients_only_its_certificates_get_in() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    authority.issue_local("server", 20);
    authority.issue("client", "DNS:client", 20);
    stranger.issue("client", "DNS:client", 20);
    let files = Files { client_ca: Some(authority.path("ca.pem")), ..authority.files("server") };
    let (server, url) = start(Tls::load(files).unwrap()).await;
    let (header, verify) = (header(&server), format!("{url}/verify"));
    let status = ["-o", "/dev/null", "-w", "%{http_code}", "-H", &header, &verify];
    let with = |pem: &str, key: &str| authority.curl(&[&["--cert", pem, "--key", key], &status[..]].concat());
    assert_eq!(with("client.pem", "client.key").stdout, b"200");
    let path = |name: &str| stranger.path(name).to_str().unwrap().to_owned();
    assert!(!with(&path("client.pem"), &path("client.key")).status.success());
    assert!(!authority.curl(&status).status.success(), "a client without a certificate");
    // A token is needed as well.
    let anonymous = ["--cert", "client.pem", "--key", "client.key", "-o", "/dev/null", "-w", "%{http_code}", &verify];
    assert_eq!(authority.curled(&anonymous), "401");
}
