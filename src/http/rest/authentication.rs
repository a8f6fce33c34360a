//! The middleware that authenticates the callers of REST endpoints, and the token id in their paths.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use crate::http::caller::{CallerDeferringFirstUse, authentication, warning_headers};
use crate::http::request_log;
use crate::http::state::AppState;
use crate::service::{Caller, Error};

use super::rejection::RestRejection;

/// The id by which callers refer to their own token.
const SELF: &str = "self";

/// The caller, as [`authenticate`] adds it to the request.
pub(super) type Authenticated = Extension<Arc<Caller>>;

/// Authenticates the caller, and adds the headers that warn of a rotation and `Cache-Control` to the response.
pub(super) async fn authenticate(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, RestRejection> {
    let (mut parts, body) = request.into_parts();
    let CallerDeferringFirstUse(caller) = CallerDeferringFirstUse::from_request_parts(&mut parts, &state).await?;
    let caller = Arc::new(caller.ok_or(Error::Anonymous)?);
    parts.extensions.insert(caller.clone());
    // The first use must be durable before any response, so also before that to a panic.
    let mut response = request_log::catch_panic(next.run(Request::from_parts(parts, body))).await;
    authentication::write_first_use(&state, Some(&caller), !response.status().is_success()).await?;
    let headers = response.headers_mut();
    warning_headers::warn(headers, Some(caller.warnings()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The token id in the path. `self` is already replaced by the id of the caller's token.
pub(super) struct TargetId(pub(super) String);

impl FromRequestParts<AppState> for TargetId {
    type Rejection = RestRejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, RestRejection> {
        // A path segment that is not UTF-8 is the id of no token.
        let Ok(Path(id)) = Path::<String>::from_request_parts(parts, state).await else {
            return Err(Error::NotFound { field: "id" }.into());
        };
        let own = || parts.extensions.get::<Arc<Caller>>().map(|caller| caller.token_id().to_string());
        Ok(Self(if id == SELF { own().unwrap_or(id) } else { id }))
    }
}
