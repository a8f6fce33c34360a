//! The cost of verifying a cached value, without network and disk: of the use case, and of all of `GET /verify` compared with a bare
//! handler of the same framework.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::convert::Infallible;
use std::future::{Future, ready};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use axum::routing::get;
use divan::{Bencher, black_box};
use rotakey::clock::SystemClock;
use rotakey::domain::id::TokenId;
use rotakey::domain::restriction::Source;
use rotakey::domain::rule::verification::RequiredScopes;
use rotakey::domain::timestamp::Timestamp;
use rotakey::entropy::SystemEntropy;
use rotakey::http;
use rotakey::service::{Policy, RequestContext, Service};
use rotakey::store::Store;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::Service as _;

fn main() {
    divan::main();
}

/// A service in contact with its database, and a value that is cached.
struct Warm {
    runtime: Runtime,
    service: Service,
    value: String,
    _folder: TempDir,
}

impl Warm {
    fn up() -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("rotakey.db").display());
        let (service, value) = runtime.block_on(async {
            let store = Store::connect(&url).await.unwrap();
            store.migrate().await.unwrap();
            let service = Service::open(store, Arc::new(SystemClock), Arc::new(SystemEntropy), Policy::default());
            let service = service.await.unwrap();
            let value = service.bootstrap().await.unwrap().value.expose().to_owned();
            (service, value)
        });
        runtime.spawn(service.clone().keep_contact());
        let warm = Self { runtime, service, value, _folder: folder };
        // Until the value is cached, which takes contact with the database and another lookup.
        let started = tokio::time::Instant::now();
        while started.elapsed() < std::time::Duration::from_millis(2_500) {
            assert!(warm.runtime.block_on(warm.verify()));
        }
        warm
    }

    async fn verify(&self) -> bool {
        let verification =
            self.service.verify(&self.value, &RequiredScopes::default(), &RequestContext::default()).await;
        verification.is_ok_and(|verification| verification.is_valid())
    }

    fn request(&self, path: &str) -> Request<Body> {
        let request = Request::get(path).header("host", "127.0.0.1:8080").header("user-agent", "curl/8.14.1");
        request.header("accept", "*/*").header("x-api-key", &self.value).body(Body::empty()).unwrap()
    }
}

impl Drop for Warm {
    fn drop(&mut self) {
        self.runtime.block_on(self.service.clone().close()).unwrap();
    }
}

fn status(runtime: &Runtime, answer: impl Future<Output = Result<Response, Infallible>>) -> u16 {
    runtime.block_on(async { answer.await.unwrap().status().as_u16() })
}

/// The baseline of the two below: what the framework takes for a short response.
#[divan::bench]
fn baseline_bare_handler(bencher: Bencher) {
    let warm = Warm::up();
    let mut router = Router::new().route("/bare", get(|| ready("static text")));
    bencher.with_inputs(|| warm.request("/bare")).bench_local_values(|request| {
        assert_eq!(status(&warm.runtime, router.as_service().call(request)), 200);
    });
}

/// `GET /verify`, from the parsed request to the head of the response.
#[divan::bench]
fn verify_endpoint(bencher: Bencher) {
    let warm = Warm::up();
    let settings = http::Settings::default();
    let server = Arc::new(http::server(warm.service.clone(), settings, http::Shutdown::default()).unwrap());
    let connection = server.connect("127.0.0.1:1".parse().unwrap());
    bencher.with_inputs(|| warm.request("/verify")).bench_local_values(|request| {
        assert_eq!(status(&warm.runtime, connection.answer(request)), 200);
    });
}

/// Only recording the use by a known user, which is a part of the endpoint.
#[divan::bench]
fn recording_a_use(bencher: Bencher) {
    let warm = Warm::up();
    let (value, now) = ((TokenId::new(Timestamp::MIN, [7; 10]), 1), Timestamp::from_unix_millis(1_767_225_600_000));
    let source = Source { address: Some([203, 0, 113, 9].into()), origin: None };
    bencher.bench_local(|| {
        warm.service.record_value_use(black_box(value), (&source, Some(black_box(b"python-requests/2.31.0"))), now);
    });
}

/// Only the use case.
#[divan::bench]
fn use_case(bencher: Bencher) {
    let warm = Warm::up();
    bencher.bench_local(|| assert!(poll_once(warm.verify())));
}

/// The result of a future that is ready at the first poll, as a verification from the cache is.
fn poll_once(verified: impl Future<Output = bool>) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    matches!(std::pin::pin!(verified).poll(&mut context), std::task::Poll::Ready(true))
}
