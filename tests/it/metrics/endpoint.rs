//! `/metrics`: who may read it, in which format, and on which address.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::deadline::DEADLINE;
use crate::support::metrics::Scrape;
use crate::support::process::{Process, command};
use crate::support::server::Server;

#[tokio::test]
async fn on_the_address_of_the_api_only_who_may_list_tokens_reads_the_metrics() {
    let server = Server::start().await;
    assert_eq!(server.anonymous().rest("GET", "/metrics", json!(null)).await.status, 401);
    let plain = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let answer = plain.client.rest("GET", "/metrics", json!(null)).await;
    assert_eq!((answer.status, answer.code()), (403, Some("FORBIDDEN")));
    let reader = server.admin.create(json!({ "name": "n", "permissions": ["API_TOKEN_READ"] })).await.unwrap();
    assert!(Scrape::of(&reader.client).await.0.contains("rotakey_build_info"));
    // Prometheus sends what it has as a bearer.
    let bearer = reader.client.without_value().request("GET", "/metrics");
    let bearer = bearer.header("Authorization", format!("Bearer {}", reader.client.value.as_ref().unwrap()));
    assert_eq!(bearer.send().await.unwrap().status().as_u16(), 200);
    server.admin.revoke(&reader.id).await.unwrap();
    assert_eq!(reader.client.rest("GET", "/metrics", json!(null)).await.status, 401);
}

#[tokio::test]
async fn the_client_chooses_the_format() {
    let server = Server::start().await;
    // As Prometheus itself asks.
    let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                      text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    for (accept, content_type, ends) in [
        (prometheus, "application/openmetrics-text; version=1.0.0; charset=utf-8", "# EOF\n"),
        ("text/plain", "text/plain; version=0.0.4; charset=utf-8", "\n"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8", "\n"),
        ("application/openmetrics-text;q=0, */*", "text/plain; version=0.0.4; charset=utf-8", "\n"),
    ] {
        let answer = server.admin.request("GET", "/metrics").header("Accept", accept).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], content_type, "{accept}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let text = answer.text().await.unwrap();
        assert!(text.ends_with(ends) && text.contains("# EOF") == (ends == "# EOF\n"), "{accept}: {text}");
    }
}

#[tokio::test]
async fn a_request_is_counted_once_by_its_endpoint_and_outcome_whether_it_waited_or_not() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    // The first use waits for the database, and later ones need not.
    for _ in 0..10 {
        assert_eq!(token.client.rest("GET", "/verify", json!(null)).await.status, 200);
    }
    assert_eq!(server.anonymous().rest("GET", "/verify", json!(null)).await.status, 401);
    assert_eq!(server.admin.with("rk_wrong").rest("GET", "/api-tokens", json!(null)).await.status, 401);
    assert_eq!(server.admin.rest("GET", "/api-tokens/tok_unknown", json!(null)).await.status, 404);
    assert_eq!(token.client.create(json!({ "name": "n" })).await.err().as_deref(), Some("FORBIDDEN"));
    assert_eq!(server.anonymous().rest("GET", "/no/such/place", json!(null)).await.status, 404);
    let scrape = Scrape::of(&server.admin).await;
    for (sample, count) in [
        (r#"rotakey_http_requests_total{endpoint="/verify",status="200"}"#, 10.0),
        (r#"rotakey_http_requests_total{endpoint="/verify",status="401"}"#, 1.0),
        (r#"rotakey_http_errors_total{endpoint="/verify",code="UNAUTHENTICATED"}"#, 1.0),
        (r#"rotakey_http_requests_total{endpoint="/api-tokens",status="401"}"#, 1.0),
        (r#"rotakey_http_requests_total{endpoint="/api-tokens/{id}",status="404"}"#, 1.0),
        (r#"rotakey_http_errors_total{endpoint="/api-tokens/{id}",code="NOT_FOUND"}"#, 1.0),
        (r#"rotakey_http_requests_total{endpoint="/graphql",status="200"}"#, 2.0),
        (r#"rotakey_http_errors_total{endpoint="/graphql",code="FORBIDDEN"}"#, 1.0),
        (r#"rotakey_http_requests_total{endpoint="(none)",status="404"}"#, 1.0),
        (r#"rotakey_http_request_duration_seconds_count{endpoint="/graphql"}"#, 2.0),
    ] {
        assert_eq!(scrape.number(sample), count, "{sample}");
    }
    // A scrape counts the one before.
    let status = r#"rotakey_http_requests_total{endpoint="/metrics",status="200"}"#;
    assert_eq!(scrape.get(status), None);
    assert_eq!(Scrape::of(&server.admin).await.get(status), Some(1.0));
}

/// Every route has a name of its own in the metrics: one that is missing there would be counted as another.
#[tokio::test]
async fn every_route_is_an_endpoint_of_its_own() {
    let server = Server::start().await;
    let routes = [
        ("/verify", "/verify"),
        ("/verify/x", "/verify/{*path}"),
        ("/introspect", "/introspect"),
        ("/graphql", "/graphql"),
        ("/public/graphql", "/public/graphql"),
        ("/api-tokens", "/api-tokens"),
        ("/api-tokens/self", "/api-tokens/{id}"),
        ("/api-tokens/self/rotate", "/api-tokens/{id}/rotate"),
        ("/api-tokens/self/end-overlap", "/api-tokens/{id}/end-overlap"),
        ("/api-tokens/self/rehearse-retirement", "/api-tokens/{id}/rehearse-retirement"),
        ("/api-tokens/self/suspend", "/api-tokens/{id}/suspend"),
        ("/api-tokens/self/resume", "/api-tokens/{id}/resume"),
        ("/api-tokens/self/revive", "/api-tokens/{id}/revive"),
        ("/rotatetoken", "/rotatetoken"),
        ("/api/index/v1/rotatetoken", "/api/index/v1/rotatetoken"),
        ("/openapi.json", "/openapi.json"),
        ("/schema.graphql", "/schema.graphql"),
        ("/healthz", "/healthz"),
        ("/readyz", "/readyz"),
        ("/favicon.ico", "/favicon.ico"),
        ("/playground", "/playground"),
        ("/playground/index.html", "/playground"),
    ];
    for (path, _) in routes {
        server.admin.request("PUT", path).send().await.unwrap();
    }
    let scrape = Scrape::of(&server.admin).await;
    let counted = scrape.labels("rotakey_http_requests_total", "endpoint");
    for (path, endpoint) in routes {
        assert!(counted.contains(&endpoint), "{path}: {counted:?}");
    }
    assert!(!counted.iter().any(|endpoint| endpoint.starts_with('(')), "{counted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_an_address_of_their_own_whoever_reaches_it_reads_the_metrics_and_nothing_else() {
    let database = TestDatabase::new().await;
    let mut start = command(&database.folder());
    start.args(["serve", "--metrics-listen", "127.0.0.1:0"]);
    let server = Process::start(start, &database.url);
    let said = server.said();
    let url = said.split("Metrics: ").nth(1).unwrap().split("/metrics").next().unwrap();
    let monitoring = Client::anonymous(url);
    let admin = server.client().with(server.first_value());
    assert_eq!(admin.check().await, Ok(1));
    let scrape = Scrape::of(&monitoring).await;
    assert_eq!(scrape.number(r#"rotakey_http_requests_total{endpoint="/graphql",status="200"}"#), 1.0);
    // Each address has its own limit, so each has its own count.
    for address in ["api", "metrics"] {
        let [open, most] = ["", "_max"].map(|name| format!("rotakey_http_connections{name}{{address=\"{address}\"}}"));
        assert!((1.0..=10.0).contains(&scrape.number(&open)), "{address}");
        assert!(scrape.number(&most) > 10.0, "{address}");
    }
    for (path, status) in [("/healthz", 200), ("/graphql", 404), ("/verify", 404), ("/", 404)] {
        let answer = monitoring.with(server.first_value()).request("GET", path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
    let ready = monitoring.rest("GET", "/readyz", json!(null)).await;
    assert!(ready.body["checks"]["serving"].as_bool().unwrap(), "{}", ready.body);
    assert_eq!(admin.rest("GET", "/metrics", json!(null)).await.status, 404, "they are elsewhere");
    server.signal(Signal::SIGTERM);
    assert!(server.ended().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_for_the_metrics_that_is_taken_is_named_by_its_flag() {
    let database = TestDatabase::new().await;
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--metrics-listen", &taken, "--database-url", &database.url];
    let output = Process::output(command(&database.folder()).args(arguments));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(said.contains(&taken) && said.contains("--metrics-listen"), "{said}");
}

#[test]
fn a_scrape_that_waits_for_a_slow_disk_delays_no_other_request() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let whole = async {
        let server = Server::start().await;
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        // Stands for a call that waits for a disk. It holds the only thread that may wait.
        let waiting = tokio::task::spawn_blocking(move || {
            begin.send(()).unwrap();
            released.recv()
        });
        begun.await.unwrap();
        let mut scrape = std::pin::pin!(Scrape::of(&server.admin));
        for _ in 0..20 {
            let other = server.anonymous();
            tokio::select! {
                biased;
                _ = &mut scrape => panic!("the metrics were read on a thread that answers requests"),
                answer = other.request("GET", "/healthz").send() => assert_eq!(answer.unwrap().status().as_u16(), 200),
            }
        }
        release.send(()).unwrap();
        assert!(scrape.await.get("process_open_fds").is_some());
        waiting.await.unwrap().unwrap();
    };
    runtime.block_on(async { tokio::time::timeout(DEADLINE, whole).await.unwrap() });
}
