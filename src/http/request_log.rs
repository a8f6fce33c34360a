//! The id and the log line of every request, and the response to a panic. The line has method, route, status and duration, but no
//! header, path, query string or body, because a value could be in one of them (R9).

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use axum::middleware::Next;
use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::{Instrument, Level, Span};

use crate::domain::id::RequestId;
use crate::metrics::SampledLatency;

use super::caller::{RefusedCredentials, client_address, refused_credential};
use super::metrics::Requests;
use super::rejection;
use super::state::AppState;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const KNOWN_METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Middleware that logs the requests of axum's router.
pub(super) async fn log_requests(State(state): State<AppState>, mut request: Request, next: Next) -> Response<Body> {
    let route: Option<MatchedPath> = request.extensions().get().cloned();
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let peer = request.extensions().get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip());
    let log = RequestLog::new(&state, peer, (request.method(), route, request.headers()));
    if let Some(id) = log.request_id {
        request.extensions_mut().insert(id);
    }
    log.observe(next.run(request)).await
}

/// What may be logged of one request.
pub(super) struct RequestLog<'a> {
    /// Always generated here. An id sent by the client would put the client's text into the log.
    pub(super) request_id: Option<RequestId>,
    method: Method,
    /// The route and not the path: a client may put a value into a path, and it must not reach the log.
    route: &'a str,
    /// The client's address, logged only if the credential is refused.
    address: Option<IpAddr>,
    refused: &'a Arc<RefusedCredentials>,
    requests: &'a Requests,
}

impl<'a> RequestLog<'a> {
    /// Of a request that this peer sent.
    pub(super) fn new(
        state: &'a AppState,
        peer: Option<IpAddr>,
        (method, route, headers): (&Method, &'a str, &HeaderMap),
    ) -> Self {
        let address = peer.and_then(|peer| client_address(peer, headers, &state.trusted_proxies).ok()?);
        let request_id = state.service.request_id().ok();
        let (refused, requests) = (&state.refused, &state.requests);
        Self { request_id, method: method.clone(), route, address, refused, requests }
    }

    /// Runs the handler, logs the status of its response and sets `X-Request-Id`. A panic becomes a 500.
    pub(super) async fn observe(&self, answer: impl Future<Output = Response<Body>>) -> Response<Body> {
        // For the log only; no rule depends on it.
        let begun = Instant::now();
        let answer = async {
            let response = catch_panic(answer).await;
            self.log(&response, begun);
            response
        };
        self.complete(answer.instrument(span(self.request_id, &self.method, self.route)).await)
    }

    fn log(&self, response: &Response<Body>, begun: Instant) {
        let status = response.status().as_u16();
        let took = begun.elapsed();
        self.requests.answered(self.route, response, took);
        let duration_micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(code) = refused_credential(response) {
            self.refused.note(self.address, code);
            tracing::debug!(name: "request_answered", status, duration_micros, "answered");
        } else if response.status().is_success() {
            tracing::debug!(name: "request_answered", status, duration_micros, "answered");
        } else {
            tracing::info!(name: "request_answered", status, duration_micros, "answered");
        }
    }

    fn complete(&self, mut response: Response<Body>) -> Response<Body> {
        set_request_id(&mut response, self.request_id);
        // HEAD asks for the headers only (RFC 9110, section 9.3.2).
        if self.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        response
    }
}

/// Runs a handler that does not wait; `None` if the request needs waiting. Unless debug logging is on, this opens no span and measures
/// no duration, because both cost more than judging a value.
///
/// A panic is a 500 at once. Running the request again would be wrong: the handler may already have consumed it, and a request
/// without headers would be refused as one without a credential.
pub(super) fn try_now(
    state: &AppState,
    (method, route): (&Method, &str),
    answer: impl FnOnce() -> Option<Response<Body>>,
) -> Option<Response<Body>> {
    let latency = state.requests.fast(route);
    let begun = latency.and_then(SampledLatency::begin);
    let answered = std::panic::catch_unwind(AssertUnwindSafe(answer)).transpose()?;
    let request_id = state.service.request_id().ok();
    let Ok(mut response) = answered else {
        let mut response = span(request_id, method, route).in_scope(rejection::panicked);
        let took = begun.map_or(Duration::ZERO, |begun| begun.elapsed());
        state.requests.answered(route, &response, took);
        set_request_id(&mut response, request_id);
        return Some(response);
    };
    if tracing::enabled!(Level::DEBUG) {
        let status = response.status().as_u16();
        span(request_id, method, route).in_scope(|| tracing::debug!(name: "request_answered", status, "answered"));
    }
    set_request_id(&mut response, request_id);
    if let Some(latency) = latency {
        latency.end(begun);
    }
    Some(response)
}

fn span(request_id: Option<RequestId>, method: &Method, route: &str) -> Span {
    let method = if KNOWN_METHODS.contains(method) { method.as_str() } else { "(other)" };
    match request_id {
        Some(id) => tracing::info_span!("request", request_id = %id, method, route),
        None => tracing::info_span!("request", method, route),
    }
}

fn set_request_id(response: &mut Response<Body>, request_id: Option<RequestId>) {
    if let Some(Ok(id)) = request_id.map(|id| HeaderValue::from_str(id.text().as_str())) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
}

/// The response of a handler, or a 500 if it panics.
pub(super) async fn catch_panic(answer: impl Future<Output = Response<Body>>) -> Response<Body> {
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| rejection::panicked())
}
