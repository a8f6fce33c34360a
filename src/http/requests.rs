//! A name and a log line for every request. The line holds method, route, status and duration; never a header, a path, a
//! query string or a body, where a value could be (R9).
//!
//! A gateway asks about every request of its own clients, so `/verify` is asked more often than all else together. What goes
//! well there is worth neither a span nor a line, unless everything is logged.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use axum::middleware::Next;
use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::{Instrument, Level, Span};

use crate::domain::id::RequestId;

use super::caller::{RefusedCredentials, client_address, refused_credential};
use super::reply;
use super::state::Doors;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const KNOWN_METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Observes a request that comes by the routes.
pub(super) async fn observe(State(doors): State<Doors>, mut request: Request, next: Next) -> Response<Body> {
    let request_id = doors.service.request_id().ok();
    let route: Option<MatchedPath> = request.extensions().get().cloned();
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let peer = request.extensions().get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| peer.ip());
    let line = Line::new(&doors, request_id, peer, (request.method(), route, request.headers()));
    if let Some(id) = request_id {
        request.extensions_mut().insert(id);
    }
    line.observe(next.run(request)).await
}

/// A request, as the log may tell of it.
pub(super) struct Line<'a> {
    /// Its name. One that the client chose is not taken over: it would put text of the client's into the log.
    pub(super) request_id: Option<RequestId>,
    method: Method,
    /// The route and not the path: a path is the client's text, and a value that was put into it must not reach the log.
    route: &'a str,
    /// Where it came from, of which the log tells only if its credential is refused.
    address: Option<IpAddr>,
    refused: &'a Arc<RefusedCredentials>,
}

impl<'a> Line<'a> {
    /// That of a request of this name, which came from there.
    pub(super) fn new(
        doors: &'a Doors,
        request_id: Option<RequestId>,
        peer: Option<IpAddr>,
        (method, route, headers): (&Method, &'a str, &HeaderMap),
    ) -> Self {
        let address = peer.and_then(|peer| client_address(peer, headers, &doors.trusted_proxies).ok()?);
        Self { request_id, method: method.clone(), route, address, refused: &doors.refused }
    }

    /// Logs how the request is answered, and gives the answer its name in `X-Request-Id`. What panics is answered too.
    pub(super) async fn observe(&self, answer: impl Future<Output = Response<Body>>) -> Response<Body> {
        // For the log alone; no rule knows of it.
        let begun = Instant::now();
        let answer = async {
            let response = caught(answer).await;
            self.log(&response, Some(begun));
            response
        };
        self.complete(answer.instrument(self.span()).await)
    }

    /// As [`Line::observe`], for a request that is worth neither a span nor a line if it goes well, unless everything is logged.
    pub(super) async fn observe_quietly(&self, answer: impl Future<Output = Response<Body>>) -> Response<Body> {
        if tracing::enabled!(Level::DEBUG) {
            return self.observe(answer).await;
        }
        let response = caught(answer).await;
        if !response.status().is_success() {
            // Since when is not known: to look at the clock each time would cost more than to judge a value.
            self.within(|| self.log(&response, None));
        }
        self.complete(response)
    }

    /// Does this in the name of the request, where it has not been named to the log before.
    pub(super) fn within<T>(&self, action: impl FnOnce() -> T) -> T {
        if Span::current().is_none() { self.span().in_scope(action) } else { action() }
    }

    fn log(&self, response: &Response<Body>, begun: Option<Instant>) {
        let status = response.status().as_u16();
        let micros = begun.map(|begun| u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        if let Some(code) = refused_credential(response) {
            self.refused.note(self.address, code);
            tracing::debug!(status, micros, "answered");
        } else if response.status().is_success() {
            tracing::debug!(status, micros, "answered");
        } else {
            tracing::info!(status, micros, "answered");
        }
    }

    fn span(&self) -> Span {
        let route = self.route;
        let method = if KNOWN_METHODS.contains(&self.method) { self.method.as_str() } else { "(other)" };
        match self.request_id {
            Some(id) => tracing::info_span!("request", %id, method, route),
            None => tracing::info_span!("request", method, route),
        }
    }

    fn complete(&self, mut response: Response<Body>) -> Response<Body> {
        if let Some(Ok(id)) = self.request_id.map(|id| HeaderValue::from_str(id.text().as_str())) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        // The head alone was asked for (RFC 9110, section 9.3.2).
        if self.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        response
    }
}

/// Answers at once what needs no waiting, or `None`. That is worth neither a name nor a line, so where everything is logged nothing is
/// answered so; and whatever panics here panics once more on the way that waits, where it has a name.
pub(super) fn at_once(answer: impl FnOnce() -> Option<Response<Body>>) -> Option<Response<Body>> {
    if tracing::enabled!(Level::DEBUG) {
        return None;
    }
    std::panic::catch_unwind(AssertUnwindSafe(answer)).unwrap_or_default()
}

/// The answer, also where making it panics.
pub(super) async fn caught(answer: impl Future<Output = Response<Body>>) -> Response<Body> {
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| reply::panicked())
}
