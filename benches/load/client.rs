//! A minimal HTTP/1.1 client with persistent connections, for what `wrk` cannot do. It is light enough not to be the bottleneck.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 32;

/// A connection.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// Connects to a server at `host:port`.
    pub async fn open(host: &str) -> Self {
        let stream = TcpStream::connect(host).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: Vec::with_capacity(4096) }
    }

    /// Sends a request and waits for the status and body of the response.
    pub async fn exchange(&mut self, request: &[u8]) -> (u16, &str) {
        self.stream.write_all(request).await.unwrap();
        self.received.clear();
        let head = loop {
            if let Some(end) = self.received.windows(4).position(|end| end == b"\r\n\r\n") {
                break end + 4;
            }
            self.receive().await;
        };
        let text = str::from_utf8(&self.received[..head]).unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
        });
        let end = head + length.unwrap_or(0);
        while self.received.len() < end {
            self.receive().await;
        }
        (status, str::from_utf8(&self.received[head..end]).unwrap())
    }

    async fn receive(&mut self) {
        let read = self.stream.read_buf(&mut self.received).await.unwrap();
        assert_ne!(read, 0, "the server closed the connection");
    }
}

/// `GET /verify` with this value.
pub fn verify(value: &str) -> String {
    format!("GET /verify HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {value}\r\n\r\n")
}

/// `GET /verify` with this value, as a gateway forwards it from the client of this number, each of which is in another network.
pub fn verify_as(value: &str, client: usize) -> String {
    format!(
        "GET /verify HTTP/1.1\r\nHost: localhost\r\nUser-Agent: python-requests/2.31.0\r\nX-Forwarded-For: 203.0.{client}.9\r\n\
         X-API-Key: {value}\r\n\r\n"
    )
}

/// A POST authenticated by this value.
pub fn post(path: &str, key: &str, media_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nContent-Type: {media_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// A GraphQL request.
pub fn graphql(key: &str, query: &str, variables: &serde_json::Value) -> String {
    let body = serde_json::json!({ "query": query, "variables": variables }).to_string();
    post("/graphql", key, "application/json", &body)
}

/// The body of the response to one request, which must be a 200.
pub async fn ask(host: &str, request: &str) -> String {
    let mut connection = Connection::open(host).await;
    let (status, body) = connection.exchange(request.as_bytes()).await;
    assert_eq!(status, 200, "{body}");
    body.to_owned()
}

/// The field of the response at this JSON pointer.
pub async fn ask_for(host: &str, request: &str, pointer: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(&ask(host, request).await).unwrap();
    let found = answer.pointer(pointer).and_then(serde_json::Value::as_str);
    found.unwrap_or_else(|| panic!("no {pointer} in the response")).to_owned()
}

/// Sends every request once, over as many connections as `wrk` uses.
pub async fn send_all(host: &str, requests: Vec<Vec<u8>>) {
    let requests = std::sync::Arc::new(requests);
    let mut tasks = Vec::new();
    for first in 0..CONNECTIONS {
        let (mut connection, requests) = (Connection::open(host).await, requests.clone());
        tasks.push(tokio::spawn(async move {
            for request in requests.iter().skip(first).step_by(CONNECTIONS) {
                let (status, _) = connection.exchange(request).await;
                assert_eq!(status, 200);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}
