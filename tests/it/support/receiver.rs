//! A receiver of webhooks that answers as the test says, and keeps what it got.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::deadline::soon;

/// What the receiver answers.
#[derive(Clone)]
pub enum Reply {
    Status(u16),
    With(u16, &'static str, String),
    /// Nothing, ever.
    Hang,
}

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

struct Script {
    replies: Mutex<VecDeque<Reply>>,
    received: mpsc::UnboundedSender<Received>,
}

pub struct Receiver {
    pub address: SocketAddr,
    received: mpsc::UnboundedReceiver<Received>,
}

impl Receiver {
    /// A receiver that gives these replies, and then accepts everything.
    pub async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = mpsc::unbounded_channel();
        let script = Arc::new(Script { replies: Mutex::new(replies.into_iter().collect()), received: sender });
        let router = Router::new().fallback(receive).with_state(script);
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { address, received }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The next message.
    pub async fn next(&mut self) -> Received {
        soon(self.received.recv()).await.unwrap()
    }

    /// The messages that have arrived and were not taken.
    pub fn others(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }
}

async fn receive(State(script): State<Arc<Script>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let reply = script.replies.lock().unwrap().pop_front();
    let _ = script.received.send(Received { path: uri.path().to_owned(), headers, body });
    match reply {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(Reply::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Reply::With(status, name, value)) => {
            (StatusCode::from_u16(status).unwrap(), [(name, value)]).into_response()
        }
        Some(Reply::Hang) => std::future::pending().await,
    }
}
