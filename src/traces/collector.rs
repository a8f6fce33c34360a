//! One request to the collector: OTLP over HTTP with protobuf.
//!
//! Each uses a connection of its own, because there is at most one in a second as long as traffic is low, and a batch is large otherwise.

use std::fmt::{self, Debug, Formatter};
use std::io;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use crate::tls;

/// How long an export may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an answer is read. The status is what counts.
const MAX_ANSWER_BYTES: usize = 65_536;

/// A header for the collector.
pub type Header = (HeaderName, HeaderValue);

/// A header with this name and value; `None` if they are none.
pub fn header(name: &str, value: &str) -> Option<Header> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
}

/// Where the collector is.
#[derive(Clone)]
pub struct Collector {
    /// The URL that spans are sent to, of `http` or `https`.
    pub url: Url,
    /// Headers, which may hold a credential.
    pub headers: Vec<Header>,
    /// The TLS of an `https` URL.
    pub tls: Option<tls::Connector>,
}

impl Debug for Collector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Collector(…)")
    }
}

/// Why the collector has not accepted a batch.
#[derive(Debug)]
pub(super) enum ExportError {
    /// It may accept the same batch later, if it says so after this time.
    Unavailable(String, Option<Duration>),
    /// It never will.
    Refused(String),
}

/// Sends a batch; returns how many spans of it were rejected.
pub(super) async fn export(collector: &Collector, body: Vec<u8>) -> Result<u64, ExportError> {
    let answered = timeout(TIMEOUT, ask(collector, body)).await;
    let unavailable = |cause: String| ExportError::Unavailable(cause, None);
    let response = answered.map_err(|_| unavailable("the collector did not answer in time".to_owned()))?;
    let response = response.map_err(|err| unavailable(err.to_string()))?;
    let status = response.status();
    if status.is_success() {
        // What cannot be read is no reason to send it again.
        let answer = ExportTraceServiceResponse::decode(response.into_body()).unwrap_or_default();
        let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
        return Ok(u64::try_from(rejected).unwrap_or_default());
    }
    let cause = format!("the collector answered with the status {status}");
    // The list of the OTLP specification, "Retryable Response Codes".
    Err(match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            ExportError::Unavailable(cause, seconds.map(Duration::from_secs))
        }
        _ => ExportError::Refused(cause),
    })
}

async fn ask(collector: &Collector, body: Vec<u8>) -> io::Result<Response<Bytes>> {
    let url = &collector.url;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    // An IPv6 address has brackets in a URL only.
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((address, port)).await?;
    match &collector.tls {
        None => send(stream, collector, body).await,
        Some(tls) => send(tls.connect(address, stream).await?, collector, body).await,
    }
}

async fn send<S>(stream: S, collector: &Collector, body: Vec<u8>) -> io::Result<Response<Bytes>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let url = &collector.url;
    let host = match (url.host_str(), url.port()) {
        (host, None) => host.unwrap_or_default().to_owned(),
        (host, Some(port)) => format!("{}:{port}", host.unwrap_or_default()),
    };
    let mut request =
        Request::post(url.path()).header(HOST, host).body(Full::<Bytes>::from(body)).map_err(io::Error::other)?;
    let headers = request.headers_mut();
    headers.extend(collector.headers.iter().cloned());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("rotakey/", env!("CARGO_PKG_VERSION"))));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let answer = async {
        let (head, body) = sender.send_request(request).await.map_err(io::Error::other)?.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(Response::from_parts(head, body))
    };
    // The connection does not end before the answer unless it fails, and then the answer says so.
    let mut answer = std::pin::pin!(answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        answer = &mut answer => answer,
        _ = &mut connection => answer.await,
    }
}
