//! A name and a log line for every request. The line holds method, route, status and duration; never a header, a path, a
//! query string or a body, where a value could be (R9).
//!
//! A gateway asks about every request of its own clients, so `/verify` is asked more often than all else together. What goes
//! well there is worth neither a span nor a line, unless everything is logged.

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use axum::middleware::Next;
use tokio::time::Instant;
use tracing::{Instrument, Level, Span};

use crate::domain::id::RequestId;

use super::Doors;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What the routes begin with that are asked about everything.
const VERIFY: &str = "/verify";

const KNOWN_METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Names the request, for its log lines and for the `X-Request-Id` of its answer, and logs how it was answered. A name that the
/// client chose is not taken over: it would put text of the client's into the log.
pub(super) async fn observe(State(doors): State<Doors>, mut request: Request, next: Next) -> Response<Body> {
    // For the log alone; no rule knows of it.
    let begun = Instant::now();
    let id = doors.service.request_id().ok();
    let named = Named { id, method: request.method().clone(), route: request.extensions().get().cloned() };
    if let Some(id) = id {
        request.extensions_mut().insert(id);
    }
    let mut response = if named.is_quiet() {
        let response = next.run(request).await;
        if !response.status().is_success() {
            named.span().in_scope(|| log(response.status(), begun));
        }
        response
    } else {
        let answer = async {
            let response = next.run(request).await;
            log(response.status(), begun);
            response
        };
        answer.instrument(named.span()).await
    };
    if let Some(Ok(id)) = id.map(|id| HeaderValue::try_from(id.to_string())) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Does this in the name of the request that these are the parts of, where it has not been named to the log before.
pub(super) fn within<T>(parts: &Parts, action: impl FnOnce() -> T) -> T {
    if !Span::current().is_none() {
        return action();
    }
    let (id, route) = (parts.extensions.get().copied(), parts.extensions.get().cloned());
    Named { id, method: parts.method.clone(), route }.span().in_scope(action)
}

fn log(status: StatusCode, begun: Instant) {
    let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    if status.is_success() {
        tracing::debug!(status = status.as_u16(), micros, "answered");
    } else {
        tracing::info!(status = status.as_u16(), micros, "answered");
    }
}

/// What the log may tell of a request.
struct Named {
    id: Option<RequestId>,
    method: Method,
    /// The route and not the path: a path is the client's text, and a value that was put into it must not reach the log.
    route: Option<MatchedPath>,
}

impl Named {
    /// Whether nothing is to be told of this request if it goes well.
    fn is_quiet(&self) -> bool {
        let verifies = self.route.as_ref().is_some_and(|route| route.as_str().starts_with(VERIFY));
        verifies && !tracing::enabled!(Level::DEBUG)
    }

    fn span(&self) -> Span {
        let route = self.route.as_ref().map_or("(none)", MatchedPath::as_str);
        let method = if KNOWN_METHODS.contains(&self.method) { self.method.as_str() } else { "(other)" };
        match self.id {
            Some(id) => tracing::info_span!("request", %id, method, route),
            None => tracing::info_span!("request", method, route),
        }
    }
}
