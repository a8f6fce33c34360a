//! One request to the collector: OTLP over HTTP with protobuf.
//!
//! Each uses a connection of its own, because there is at most one in a second as long as traffic is low, and a batch is large otherwise.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use url::Url;

use crate::outgoing::{Client, Header, Post, SystemResolver};
use crate::tls;

/// How long an export may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an answer is read. The status is what counts.
const MAX_ANSWER_BYTES: usize = 65_536;

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

/// What sends to the collector.
pub(super) fn client(collector: &Collector) -> Client {
    Client {
        resolver: Arc::new(SystemResolver::default()),
        tls: collector.tls.clone(),
        timeout: TIMEOUT,
        max_answer_bytes: MAX_ANSWER_BYTES,
    }
}

/// Sends a batch; returns how many spans of it were rejected.
pub(super) async fn export(client: &Client, collector: &Collector, body: Vec<u8>) -> Result<u64, ExportError> {
    let headers = collector.headers.clone();
    let post = Post { url: &collector.url, headers, content_type: "application/x-protobuf", body };
    // The operator has named the collector, wherever it is.
    let answer = client.post(post, |_| true).await;
    let answer = answer.map_err(|err| ExportError::Unavailable(format!("no answer of the collector: {err}"), None))?;
    if answer.status.is_success() {
        // What cannot be read is no reason to send it again.
        let answer = ExportTraceServiceResponse::decode(answer.body).unwrap_or_default();
        let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_spans);
        return Ok(u64::try_from(rejected).unwrap_or_default());
    }
    let cause = format!("the collector answered with the status {}", answer.status);
    // The list of the OTLP specification, "Retryable Response Codes".
    Err(match answer.status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            let seconds = answer.retry_after.and_then(|text| text.parse().ok());
            ExportError::Unavailable(cause, seconds.map(Duration::from_secs))
        }
        _ => ExportError::Refused(cause),
    })
}
