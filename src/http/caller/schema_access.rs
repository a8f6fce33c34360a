//! Who may read the schema and the OpenAPI document.

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue};

use crate::graphql::Introspection;
use crate::http::rejection::Rejection;
use crate::http::state::AppState;
use crate::service::{self, Caller, ErrorCode};

use super::warning_headers;

/// Rejects callers who may not read the schema and the OpenAPI document. The response must have the returned headers: one to an
/// authenticated caller must not be cached.
pub(in crate::http) fn require_schema_access(
    state: &AppState,
    caller: Option<&Caller>,
) -> Result<HeaderMap, Rejection> {
    let mut headers = HeaderMap::new();
    match (state.graphql.settings().introspection, caller) {
        (Introspection::Off, _) => {
            let message = "This server does not show its schema. Ask the operator for it.";
            return Err(Rejection::new(ErrorCode::NotFound, message));
        }
        (Introspection::Authenticated, None) => return Err(service::Error::Anonymous.into()),
        (Introspection::Public, None) => {}
        (_, Some(caller)) => {
            warning_headers::warn(&mut headers, Some(caller.warnings()));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
    Ok(headers)
}
