//! What must hold at every endpoint, for the value to verify and for the caller's own, from the cache and from the database: a rule that is
//! added in the one place where values are judged, and that a panic is a 500.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::clock::SystemClock;
use crate::config::DatabaseFlags;
use crate::domain::restriction::{Source, TrustedProxies};
use crate::domain::rule::verification::{RequiredScopes, imaginary};
use crate::domain::token::{Permission, SettingsDraft};
use crate::entropy::SystemEntropy;
use crate::http;
use crate::service::{Caller, CreateRequest, Policy, RequestContext, Service};

/// Where a value is presented, and as what.
const PLACES: [&str; 10] = [
    "/verify",
    "/introspect, the token",
    "/introspect, the caller",
    "/introspect, the client's secret",
    "verifyAPIToken, the token",
    "verifyAPIToken, the caller",
    "/api-tokens/self",
    "currentAPIToken",
    "currentAPIToken, after 100 Continue",
    "a WebSocket",
];
const FORM: &str = "application/x-www-form-urlencoded";
/// Where the imaginary rule has no objection.
const ELSEWHERE: &str = "203.0.113.9";
const DEADLINE: Duration = Duration::from_secs(20);

struct Server {
    service: Service,
    url: String,
    admin: String,
    client: reqwest::Client,
    _stop: watch::Sender<bool>,
    _folder: TempDir,
}

impl Server {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let database_url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
        let url = DatabaseFlags { database_url }.validate().unwrap();
        let service = super::open(&url, Arc::new(SystemClock), Arc::new(SystemEntropy), Policy::default());
        let service = service.await.unwrap();
        let admin = service.bootstrap().await.unwrap().value.expose().to_owned();
        let listener = super::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let settings = http::Settings {
            trusted_proxies: TrustedProxies::parse("127.0.0.1").unwrap(),
            ..http::Settings::default()
        };
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(super::serve(listener, service.clone(), settings, stopped));
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        Self { service, url, admin, client, _stop: stop, _folder: folder }
    }

    async fn caller(&self) -> Caller {
        self.service.authenticate(&self.admin, RequestContext::default()).await.unwrap()
    }

    /// The value of a token that may verify others.
    async fn new_value(&self) -> String {
        let mut draft = SettingsDraft::new("n");
        draft.change.permissions = Some(vec![Permission::ApiTokenVerify]);
        self.value_of(draft).await
    }

    async fn value_of(&self, draft: SettingsDraft) -> String {
        let request = CreateRequest { draft, ..CreateRequest::default() };
        self.service.create(&self.caller().await, request).await.unwrap().value.expose().to_owned()
    }

    /// Verifies the value until it can be answered from the cache, and the admin's with it.
    async fn have_cached(&self, value: &str) {
        let required = RequiredScopes::default();
        let (source, caller) = (Source::default(), (self.admin.as_str(), &RequestContext::default()));
        let cached = async {
            while self.service.try_verify_for(caller, |_| true, value, &required, &source).is_none() {
                self.service.verify_for(&self.caller().await, value, &required, source.clone()).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, cached).await.unwrap_or_else(|_| panic!("not cached within {DEADLINE:?}"));
    }

    /// Whether the value works there when it comes from this address.
    async fn admits(&self, place: &str, value: &str, address: &str) -> bool {
        if place == "a WebSocket" {
            return self.admits_socket(value, address).await;
        }
        let (caller, token) = if place.ends_with("the token") { (&*self.admin, value) } else { (value, &*self.admin) };
        let (from, about) = if place.ends_with("the token") { (ELSEWHERE, address) } else { (address, ELSEWHERE) };
        let path = match place.split(',').next().unwrap() {
            "verifyAPIToken" | "currentAPIToken" => "/graphql",
            path => path,
        };
        let method = if matches!(path, "/verify" | "/api-tokens/self") { Method::GET } else { Method::POST };
        let request = self.client.request(method, format!("{}{path}", self.url)).header("X-Forwarded-For", from);
        let request = match place {
            "/introspect, the client's secret" => {
                let form = format!("token={token}&client_id=orders&client_secret={caller}");
                request.header("Content-Type", FORM).body(form)
            }
            _ if path == "/introspect" => {
                let form = format!("token={token}&rotakey_address={about}");
                request.header("X-API-Key", caller).header("Content-Type", FORM).body(form)
            }
            _ if place.starts_with("verifyAPIToken") => {
                let query = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { valid } }";
                let variables = json!({ "input": { "value": token, "address": about } });
                request.header("X-API-Key", caller).json(&json!({ "query": query, "variables": variables }))
            }
            _ if path == "/graphql" => {
                let request =
                    if place.ends_with("Continue") { request.header("Expect", "100-continue") } else { request };
                request.header("X-API-Key", caller).json(&json!({ "query": "{ currentAPIToken { id } }" }))
            }
            _ => request.header("X-API-Key", caller),
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert!(answer.headers().contains_key("x-request-id"), "{place}");
        let body = answer.text().await.unwrap();
        match path {
            "/introspect" => body.contains(r#""active":true"#),
            "/graphql" => body.contains(r#""valid":true"#) || body.contains(r#""id":"tok_"#),
            _ => status == 200,
        }
    }

    async fn admits_socket(&self, value: &str, address: &str) -> bool {
        let place = self.url.trim_start_matches("http://");
        let mut request = format!("ws://{place}/graphql").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
        let stream = tokio::net::TcpStream::connect(place).await.unwrap();
        let answered = async {
            let (mut socket, _) = client_async(request, stream).await.unwrap();
            let init = json!({ "type": "connection_init", "payload": { "X-API-Key": value } });
            socket.send(Message::text(init.to_string())).await.unwrap();
            socket.next().await.unwrap().unwrap()
        };
        let answer = tokio::time::timeout(DEADLINE, answered).await;
        answer.unwrap_or_else(|_| panic!("no answer on a WebSocket within {DEADLINE:?}")).is_text()
    }
}

#[tokio::test]
async fn a_rule_that_is_added_in_one_place_holds_at_every_endpoint() {
    let server = Server::start().await;
    for place in PLACES {
        let unknown = server.new_value().await;
        assert!(!server.admits(place, &unknown, imaginary::ADDRESS).await, "{place}, from the database");
        let cached = server.new_value().await;
        assert!(server.admits(place, &cached, ELSEWHERE).await, "{place}");
        server.have_cached(&cached).await;
        assert!(server.admits(place, &cached, ELSEWHERE).await, "{place}, from the cache");
        assert!(!server.admits(place, &cached, imaginary::ADDRESS).await, "{place}, from the cache");
    }
}

#[tokio::test]
async fn a_panic_while_a_response_is_rendered_is_a_500_and_never_refuses_the_value() {
    let server = Server::start().await;
    let mut draft = SettingsDraft::new("n");
    draft.change.owner = Some(Some(http::imaginary::OWNER.to_owned()));
    let value = server.value_of(draft).await;
    for cached in [false, true] {
        if cached {
            server.have_cached(&value).await;
        }
        let request = server.client.get(format!("{}/verify", server.url)).header("X-API-Key", &value);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 500, "cached: {cached}");
        assert!(response.headers().contains_key("x-request-id"), "cached: {cached}");
        assert!(response.text().await.unwrap().contains("INTERNAL"), "cached: {cached}");
    }
}
