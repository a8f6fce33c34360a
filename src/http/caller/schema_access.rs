//! Who may read what the API looks like.

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue};

use crate::graphql::Introspection;
use crate::http::rejection::Rejection;
use crate::http::state::AppState;
use crate::service::{self, Caller, ErrorCode};

use super::authentication;

/// Lets those in who may read what the API looks like, be it as the schema or as the description of REST. These headers
/// belong to the answer: one to a caller is not for others.
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
            authentication::warn_of_retirement(&mut headers, Some(caller.standing()));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
    Ok(headers)
}
