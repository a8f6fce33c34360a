//! Graceful shutdown: the server stops being ready, drains, and lets no client delay it for long.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::client::{Answer, Client};
use crate::support::database::TestDatabase;
use crate::support::deadline::{soon, until};
use crate::support::http2::Http2;
use crate::support::process::Process;
use crate::support::server::Server;

async fn readiness(client: &Client) -> (u16, Value) {
    let answer = Answer::of(client.request("GET", "/readyz").send().await.unwrap()).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    (answer.status, answer.body)
}

async fn ended(server: Process, within: Duration) -> bool {
    let ended = tokio::task::spawn_blocking(|| server.ended());
    timeout(within, ended).await.is_ok_and(|ended| ended.unwrap().0.success())
}

fn connect(server: &Process) -> TcpStream {
    let stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Asks on a connection that stays open: the head of the answer.
fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        let mut part = [0; 1024];
        let read = stream.read(&mut part).unwrap();
        assert_ne!(read, 0, "closed after {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..read]);
    }
    String::from_utf8(answer).unwrap().to_ascii_lowercase()
}

#[tokio::test]
async fn readiness_names_each_thing_that_must_hold() {
    let server = Server::start().await;
    server.anonymous().ready().await;
    let checks = json!({ "database": true, "contact": true, "schema": true, "serving": true });
    assert_eq!(readiness(&server.anonymous()).await, (200, json!({ "ready": true, "checks": checks })));
    // Each time more than ten seconds have passed since the database was last asked, until no poll falls in between.
    let mut last = (0, Value::Null);
    let contact_is_old = async || {
        server.clock.advance(11_000);
        last = readiness(&server.anonymous()).await;
        last.1["checks"]["contact"] == json!(false)
    };
    until("a moment without contact", contact_is_old).await;
    let (status, body) = last;
    assert_eq!((status, &body["ready"], &body["checks"]["serving"]), (503, &json!(false), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_drains_it_is_not_ready_and_answers_with_connection_close() {
    let database = TestDatabase::new().await;
    let server = Process::serve_by(&["serve", "--drain", "60s"], &database.folder(), &database.url);
    let client = server.client();
    client.ready().await;
    let (mut kept, mut other) = (connect(&server), connect(&server));
    assert!(!ask(&mut kept).contains("connection: close"));
    ask(&mut other);
    let mut http2 = Http2::connect(&server.url, 65_535).await;
    assert_eq!(soon(http2.ask("GET", "/healthz", "", "").await).await.unwrap().status(), 200);
    server.signal(Signal::SIGTERM);
    server.logged("draining");
    // The connection that was open is answered once more, and then closed.
    assert!(ask(&mut kept).contains("connection: close"));
    assert_eq!(kept.read(&mut [0]).unwrap(), 0);
    // HTTP/2 gets a GOAWAY frame, and the connection ends.
    soon(&mut http2.connection).await.unwrap().unwrap();
    // New ones are served, too.
    let (status, body) = readiness(&client).await;
    assert_eq!((status, &body["ready"], &body["checks"]["serving"]), (503, &json!(false), &json!(false)));
    assert!(ask(&mut connect(&server)).contains("connection: close"));
    assert!(ask(&mut other).contains("connection: close"));
    // Who cannot wait asks twice.
    server.signal(Signal::SIGTERM);
    assert!(ended(server, Duration::from_secs(15)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_request_delays_the_stop_no_longer_than_a_load_balancer_waits() {
    let database = TestDatabase::new().await;
    for half in [
        "GET /healthz HTTP/1.1\r\nHost:".to_owned(),
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
            .to_owned(),
    ] {
        let server = Process::serve(&database.folder(), &database.url);
        let mut stream = connect(&server);
        stream.write_all(half.as_bytes()).unwrap();
        // Whatever was sent before has come once another is answered.
        for _ in 0..10 {
            ask(&mut connect(&server));
        }
        server.signal(Signal::SIGTERM);
        assert!(ended(server, Duration::from_secs(12)).await, "{half}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_little_by_little_does_not_delay_the_stop() {
    let database = TestDatabase::new().await;
    let server = Process::serve(&database.folder(), &database.url);
    let mut stream = connect(&server);
    let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..10 {
        ask(&mut connect(&server));
    }
    server.signal(Signal::SIGTERM);
    let client = tokio::task::spawn_blocking(move || {
        // No answer comes: that is what makes it slow.
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        while stream.write_all(b" ").is_ok()
            && stream.read(&mut [0]).is_err_and(|err| err.kind() == ErrorKind::WouldBlock)
        {}
    });
    assert!(ended(server, Duration::from_secs(10)).await);
    client.await.unwrap();
}

/// A load balancer: the replicas that said lately that they are ready.
#[derive(Default)]
struct Balancer {
    replicas: Mutex<Vec<Client>>,
    ready: Mutex<Vec<Client>>,
    done: AtomicBool,
    asked: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

impl Balancer {
    /// Asks every replica again and again whether it is ready.
    async fn poll(self: Arc<Self>) {
        while !self.done.load(Ordering::SeqCst) {
            let replicas = self.replicas.lock().unwrap().clone();
            let mut ready = Vec::new();
            for replica in replicas {
                let asked = replica.request("GET", "/readyz").send().await;
                if asked.is_ok_and(|answer| answer.status() == 200) {
                    ready.push(replica);
                }
            }
            *self.ready.lock().unwrap() = ready;
            tokio::task::yield_now().await;
        }
    }

    /// Asks ready replicas in turn.
    async fn ask(self: Arc<Self>) {
        let mut turn = 0;
        while !self.done.load(Ordering::SeqCst) {
            let ready = self.ready.lock().unwrap().clone();
            if ready.is_empty() {
                tokio::task::yield_now().await;
                continue;
            }
            turn += 1;
            match ready[turn % ready.len()].request("GET", "/api-tokens/self").send().await {
                Ok(answer) if answer.status() == 200 => {}
                Ok(answer) => self.failed.lock().unwrap().push(answer.status().to_string()),
                Err(err) => self.failed.lock().unwrap().push(format!("{err:?}")),
            }
            self.asked.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn six_rolling_restarts_cost_clients_no_request() {
    let database = TestDatabase::new().await;
    let start = || Process::serve_by(&["serve", "--drain", "2s"], &database.folder(), &database.url);
    let first = start();
    let admin = first.client().with(first.first_value());
    let balancer = Arc::new(Balancer::default());
    balancer.replicas.lock().unwrap().push(admin.clone());
    let mut tasks = vec![tokio::spawn(balancer.clone().poll())];
    tasks.extend((0..4).map(|_| tokio::spawn(balancer.clone().ask())));
    let mut running = first;
    for _ in 0..6 {
        let next = start();
        let client = admin.at(&next.url);
        client.ready().await;
        balancer.replicas.lock().unwrap().push(client);
        running.signal(Signal::SIGTERM);
        assert!(ended(running, Duration::from_secs(20)).await);
        balancer.replicas.lock().unwrap().remove(0);
        running = next;
    }
    balancer.done.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*balancer.failed.lock().unwrap(), Vec::<String>::new());
    assert!(balancer.asked.load(Ordering::SeqCst) > 100);
}
