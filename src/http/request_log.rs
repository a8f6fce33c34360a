//! The id and the log line of every request, and the response to a panic. The line has method, route, status and duration, but no
//! header, path, query string or body, because a value could be in one of them (R9).

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use axum::middleware::Next;
use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::field::display;
use tracing::{Instrument, Level, Span};

use crate::domain::id::RequestId;
use crate::metrics::SampledLatency;
use crate::traces::RequestTrace;

use super::caller::{RefusedCredentials, client_address, refused_credential};
use super::metrics::Requests;
use super::state::AppState;
use super::{rejection, request_trace};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware that logs the requests of axum's router.
pub(super) async fn log_requests(State(state): State<AppState>, mut request: Request, next: Next) -> Response<Body> {
    let route: Option<MatchedPath> = request.extensions().get().cloned();
    let has_route = route.is_some();
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let peer = request.extensions().get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip());
    let (method, headers) = (request.method(), request.headers());
    let trace =
        request_trace::begin(&state, (method, Some(route).filter(|_| has_route), headers), request.uri().path());
    let log = RequestLog::new(&state, peer, (method, route, headers), trace);
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
    trace: Option<RequestTrace>,
}

impl<'a> RequestLog<'a> {
    /// Of a request that this peer sent, and its trace, if it is traced.
    pub(super) fn new(
        state: &'a AppState,
        peer: Option<IpAddr>,
        (method, route, headers): (&Method, &'a str, &HeaderMap),
        trace: Option<RequestTrace>,
    ) -> Self {
        let address = peer.and_then(|peer| client_address(peer, headers, &state.trusted_proxies).ok()?);
        let request_id = state.service.request_id().ok();
        let (refused, requests) = (&state.refused, &state.requests);
        Self { request_id, method: method.clone(), route, address, refused, requests, trace }
    }

    /// Runs the handler, logs the status of its response and sets `X-Request-Id`. A panic becomes a 500.
    pub(super) async fn observe(mut self, answer: impl Future<Output = Response<Body>>) -> Response<Body> {
        // For the log only; no rule depends on it.
        let begun = Instant::now();
        // Before the answer, which is then dropped first if the client leaves: its work on the database still belongs to the trace.
        let trace = self.trace.take();
        let mut answer = pin!(catch_panic(answer));
        let answer = async {
            let response = poll_fn(|context| match &trace {
                Some(trace) => trace.run(|| answer.as_mut().poll(context)),
                None => answer.as_mut().poll(context),
            });
            let response = response.await;
            self.log(&response, begun);
            response
        };
        let response = answer.instrument(span(self.request_id, &self.method, self.route, trace.as_ref())).await;
        if let Some(trace) = trace {
            request_trace::end(trace, &response, self.request_id);
        }
        self.complete(response)
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
    trace: &mut Option<RequestTrace>,
    answer: impl FnOnce() -> Option<Response<Body>>,
) -> Option<Response<Body>> {
    let latency = state.requests.fast(route);
    let begun = latency.and_then(SampledLatency::begin);
    let answered = std::panic::catch_unwind(AssertUnwindSafe(answer)).transpose()?;
    let request_id = state.service.request_id().ok();
    let trace = trace.take();
    let Ok(mut response) = answered else {
        let mut response = span(request_id, method, route, trace.as_ref()).in_scope(rejection::panicked);
        if let Some(trace) = trace {
            request_trace::end(trace, &response, request_id);
        }
        let took = begun.map_or(Duration::ZERO, |begun| begun.elapsed());
        state.requests.answered(route, &response, took);
        set_request_id(&mut response, request_id);
        return Some(response);
    };
    if tracing::enabled!(Level::DEBUG) {
        let status = response.status().as_u16();
        span(request_id, method, route, trace.as_ref())
            .in_scope(|| tracing::debug!(name: "request_answered", status, "answered"));
    }
    if let Some(trace) = trace {
        request_trace::end(trace, &response, request_id);
    }
    set_request_id(&mut response, request_id);
    if let Some(latency) = latency {
        latency.end(begun);
    }
    Some(response)
}

fn span(request_id: Option<RequestId>, method: &Method, route: &str, trace: Option<&RequestTrace>) -> Span {
    let method = request_trace::known_method(method).unwrap_or("(other)");
    let request_id = request_id.map(display);
    match trace {
        None => tracing::info_span!("request", request_id, method, route),
        Some(trace) => {
            let (trace_id, span_id) = (trace.trace_id(), trace.span_id());
            tracing::info_span!("request", request_id, method, route, trace_id, span_id)
        }
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
