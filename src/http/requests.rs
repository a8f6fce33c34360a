//! A name and a log line for every request. The line holds method, path, status and duration; never a header, a query
//! string or a body, where a value could be (R9).

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Response};
use axum::middleware::Next;
use std::time::Duration;
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::{HttpMakeClassifier, MakeSpan, OnResponse, TraceLayer};
use tracing::Span;
use tracing::field::Empty;

use crate::domain::id::RequestId;
use crate::domain::value::redact;
use crate::service::Service;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the request, for its log lines and for the `X-Request-Id` of its answer. A name that the client chose is not
/// taken over: it would put text of the client's into the log.
pub(super) async fn name(State(service): State<Service>, mut request: Request, next: Next) -> Response<Body> {
    let Ok(id) = service.request_id() else { return next.run(request).await };
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

type Log = TraceLayer<SharedClassifier<ServerErrorsAsFailures>, RequestSpan, (), LogAnswer, (), (), ()>;

/// Logs every request when it is answered.
pub(super) fn log() -> Log {
    TraceLayer::<HttpMakeClassifier>::new_for_http()
        .make_span_with(RequestSpan)
        .on_request(())
        .on_response(LogAnswer)
        .on_body_chunk(())
        .on_eos(())
        .on_failure(())
}

#[derive(Clone, Copy)]
pub(super) struct RequestSpan;

impl MakeSpan<Body> for RequestSpan {
    fn make_span(&mut self, request: &Request) -> Span {
        // A path is the client's text: a value that was pasted into it must not reach the log.
        let path = redact(request.uri().path());
        let span = tracing::info_span!("request", id = Empty, method = %request.method(), path);
        if let Some(id) = request.extensions().get::<RequestId>() {
            span.record("id", tracing::field::display(id));
        }
        span
    }
}

#[derive(Clone, Copy)]
pub(super) struct LogAnswer;

impl OnResponse<Body> for LogAnswer {
    fn on_response(self, response: &Response<Body>, latency: Duration, _span: &Span) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(status = response.status().as_u16(), micros, "answered");
    }
}
