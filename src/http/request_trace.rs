//! What a trace says of a request and its response: identifiers and closed lists only, and no text that a client sent (R9).

use axum::body::Body;
use axum::http::{HeaderMap, Method, Response};

use crate::domain::id::{RequestId, TokenId};
use crate::traces::{Described, RequestTrace};

use super::metrics::error_code;
use super::state::AppState;

/// The methods whose name is recorded and logged.
const KNOWN_METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// What monitoring asks for every few seconds, which would hide everything else.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Begins the trace of a request, unless there is no tracing or the request is not sampled. Without a route, nothing answers.
pub(super) fn begin(
    state: &AppState,
    (method, route, headers): (&Method, Option<&str>, &HeaderMap),
    path: &str,
) -> Option<RequestTrace> {
    let traces = state.traces.as_ref()?;
    let sampled = traces.sample(headers)?;
    if route.is_some_and(|route| PROBES.contains(&route)) {
        return None;
    }
    let path = route.filter(|route| is_harmless(route, path)).map(|_| path);
    traces.begin(sampled, known_method(method), route, path)
}

/// Ends a trace with this response.
pub(super) fn end(trace: RequestTrace, response: &Response<Body>, request_id: Option<RequestId>) {
    // `/verify` says in a header whose value it was.
    if let Some(Ok(id)) = response.headers().get("x-token-id").map(|id| id.to_str()) {
        trace.note("rotakey.token.id", id);
    }
    let id = request_id.map(|id| id.text());
    let code = error_code(response).map(|code| code.as_str());
    trace.end(Described { status: response.status().as_u16(), code, request_id: id.as_ref().map(|id| id.as_str()) });
}

/// The name of a method that is known.
pub(super) fn known_method(method: &Method) -> Option<&str> {
    KNOWN_METHODS.contains(method).then_some(method.as_str())
}

/// Whether the path says nothing besides its route but the id of a token.
fn is_harmless(route: &str, path: &str) -> bool {
    let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
    let (mut segments, mut given) = (route.split('/'), path.split('/'));
    loop {
        match (segments.next(), given.next()) {
            (None, None) => return true,
            (Some(segment), Some(given)) if segment == given => {}
            (Some("{id}"), Some(given)) if given == "self" || TokenId::parse(given).is_some() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_recorded_only_if_it_has_no_text_of_the_client() {
        let id = "tok_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned();
        let token = format!("/api-tokens/{id}");
        for (route, path) in [
            ("/graphql", "/graphql"),
            ("/graphql", "/graphql/"),
            ("/", "/"),
            ("/api-tokens/{id}", token.as_str()),
            ("/api-tokens/{id}/rotate", "/api-tokens/self/rotate"),
        ] {
            assert!(is_harmless(route, path), "{path}");
        }
        for (route, path) in [
            ("/api-tokens/{id}", "/api-tokens/rk_00000000000000000000000000000000000000000002gL6Az"),
            ("/api-tokens/{id}", "/api-tokens/a name"),
            ("/verify/{*path}", "/verify/what/a/client/asked"),
            ("/playground/{*path}", "/playground/index.js"),
            ("/graphql", "/graphql/more"),
        ] {
            assert!(!is_harmless(route, path), "{path}");
        }
    }
}
