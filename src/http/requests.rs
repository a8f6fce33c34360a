//! A name and a log line for every request. The line holds method, route, status and duration; never a header, a path, a
//! query string or a body, where a value could be (R9).

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, Response};
use axum::middleware::Next;
use std::time::Duration;
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::{HttpMakeClassifier, MakeSpan, OnResponse, TraceLayer};
use tracing::Span;
use tracing::field::Empty;

use crate::domain::id::RequestId;
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

const KNOWN_METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

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
        // The route and not the path: a path is the client's text, and a value that was put into it must not reach the log.
        let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
        let method = if KNOWN_METHODS.contains(request.method()) { request.method().as_str() } else { "(other)" };
        let span = tracing::info_span!("request", id = Empty, method, route);
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
