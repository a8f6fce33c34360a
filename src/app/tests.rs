//! A rule that is added in the one place where values are judged holds at every endpoint, whether the value is remembered or not.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::watch;

use crate::clock::SystemClock;
use crate::config::DatabaseFlags;
use crate::domain::restriction::{Source, TrustedProxies};
use crate::domain::rule::verification::{RequiredScopes, imaginary};
use crate::domain::token::SettingsDraft;
use crate::entropy::SystemEntropy;
use crate::http;
use crate::service::{Caller, CreateRequest, Policy, RequestContext, Service};

const ENDPOINTS: [&str; 5] = ["/verify", "/introspect", "verifyAPIToken", "/api-tokens/self", "currentAPIToken"];
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

    async fn new_value(&self) -> String {
        let request = CreateRequest { draft: SettingsDraft::new("n"), ..CreateRequest::default() };
        self.service.create(&self.caller().await, request).await.unwrap().value.expose().to_owned()
    }

    /// Verifies the value until it is remembered, and the admin's with it.
    async fn remember(&self, value: &str) {
        let required = RequiredScopes::default();
        let (source, caller) = (Source::default(), (self.admin.as_str(), &Source::default()));
        let remembered = async {
            while self.service.try_verify_for(caller, value, &required, &source).is_none() {
                self.service.verify_for(&self.caller().await, value, &required, source.clone()).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, remembered).await.unwrap();
    }

    /// Whether the endpoint finds the value good where it comes from this address.
    async fn admits(&self, endpoint: &str, value: &str, address: &str) -> bool {
        let post = |path: &str| self.client.post(format!("{}{path}", self.url));
        let get = |path: &str| self.client.get(format!("{}{path}", self.url));
        let request = match endpoint {
            "/introspect" => {
                let form = format!("token={value}&rotakey_address={address}");
                let form_type = "application/x-www-form-urlencoded";
                post(endpoint).header("X-API-Key", &self.admin).header("Content-Type", form_type).body(form)
            }
            "verifyAPIToken" => {
                let query = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { valid } }";
                let variables = serde_json::json!({ "input": { "value": value, "address": address } });
                let body = serde_json::json!({ "query": query, "variables": variables });
                post("/graphql").header("X-API-Key", &self.admin).json(&body)
            }
            "currentAPIToken" => {
                let body = serde_json::json!({ "query": "{ currentAPIToken { id } }" });
                post("/graphql").header("X-API-Key", value).header("X-Forwarded-For", address).json(&body)
            }
            _ => get(endpoint).header("X-API-Key", value).header("X-Forwarded-For", address),
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert!(answer.headers().contains_key("x-request-id"), "{endpoint}");
        let body = answer.text().await.unwrap();
        match endpoint {
            "/introspect" => body.contains(r#""active":true"#),
            "verifyAPIToken" => body.contains(r#""valid":true"#),
            _ => status == 200,
        }
    }
}

#[tokio::test]
async fn a_rule_that_is_added_in_one_place_holds_at_every_endpoint() {
    let server = Server::start().await;
    for endpoint in ENDPOINTS {
        let cold = server.new_value().await;
        assert!(!server.admits(endpoint, &cold, imaginary::ADDRESS).await, "{endpoint}, not remembered");
        let warm = server.new_value().await;
        assert!(server.admits(endpoint, &warm, ELSEWHERE).await, "{endpoint}");
        server.remember(&warm).await;
        assert!(server.admits(endpoint, &warm, ELSEWHERE).await, "{endpoint}, remembered");
        assert!(!server.admits(endpoint, &warm, imaginary::ADDRESS).await, "{endpoint}, remembered");
    }
}
