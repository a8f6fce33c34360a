//! An HTTP/2 client that opens its window only when a test asks for it.

use axum::body::Bytes;
use axum::http::Request;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::deadline::soon;

pub struct Http2 {
    requests: SendRequest<Bytes>,
    url: String,
    pub connection: JoinHandle<Result<(), h2::Error>>,
}

impl Http2 {
    /// A connection on which each answer may have so many bytes before the client takes some.
    pub async fn connect(url: &str, window: u32) -> Self {
        let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(window).initial_connection_window_size(16 * 1024 * 1024);
        let (requests, connection) = soon(builder.handshake(stream)).await.unwrap();
        Self { requests, url: url.to_owned(), connection: tokio::spawn(connection) }
    }

    /// Whether the server still takes requests.
    pub async fn is_open(&self) -> bool {
        soon(self.requests.clone().ready()).await.is_ok()
    }

    /// Sends the head of a request, whose body may follow.
    pub async fn begin(&mut self, method: &str, path: &str, value: &str) -> (ResponseFuture, SendStream<Bytes>) {
        self.try_begin(method, path, value).await.unwrap()
    }

    async fn try_begin(
        &mut self,
        method: &str,
        path: &str,
        value: &str,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url)).header("x-api-key", value);
        let request = request.header("content-type", "application/json").body(()).unwrap();
        let mut ready = soon(self.requests.clone().ready()).await?;
        let sent = ready.send_request(request, false)?;
        self.requests = ready;
        Ok(sent)
    }

    /// Sends a request.
    pub async fn ask(&mut self, method: &str, path: &str, value: &str, body: &str) -> ResponseFuture {
        self.try_ask(method, path, value, body).await.unwrap()
    }

    /// Sends a request on a connection that the server may have closed.
    pub async fn try_ask(
        &mut self,
        method: &str,
        path: &str,
        value: &str,
        body: &str,
    ) -> Result<ResponseFuture, h2::Error> {
        let (response, mut stream) = self.try_begin(method, path, value).await?;
        stream.send_data(Bytes::copy_from_slice(body.as_bytes()), true)?;
        Ok(response)
    }
}

/// All of a body.
pub async fn read(mut body: RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut whole = Vec::new();
    // Room beyond what the connection began with.
    while let Some(part) = soon(body.data()).await {
        let part = part?;
        body.flow_control().release_capacity(part.len())?;
        whole.extend_from_slice(&part);
    }
    Ok(whole)
}
