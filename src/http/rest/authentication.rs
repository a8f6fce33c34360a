//! Who is calling a REST endpoint, found out once for all of them.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use crate::http::caller::{Recognised, authentication};
use crate::http::request_log;
use crate::http::state::AppState;
use crate::service::{Caller, Error};

use super::rejection::RestRejection;

/// By this name a caller means its own token.
const SELF: &str = "self";

/// Who is calling, once [`authenticate`] has found out.
pub(super) type Authenticated = Extension<Arc<Caller>>;

/// Lets those in who present a good value, and tells them if it is the previous one. No answer may be kept on the way.
pub(super) async fn authenticate(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, RestRejection> {
    let (mut parts, body) = request.into_parts();
    let Recognised(caller) = Recognised::from_request_parts(&mut parts, &state).await?;
    let caller = Arc::new(caller.ok_or(Error::Anonymous)?);
    let standing = caller.standing();
    parts.extensions.insert(caller.clone());
    // What panics is an answer like any other: it comes after the first use of the value, too.
    let mut response = request_log::catch_panic(next.run(Request::from_parts(parts, body))).await;
    authentication::write_first_use(&state, Some(&caller), !response.status().is_success()).await?;
    let headers = response.headers_mut();
    authentication::warn_of_retirement(headers, Some(standing));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The id in the path of an address, with `self` already read as the caller's own.
pub(super) struct TargetId(pub(super) String);

impl FromRequestParts<AppState> for TargetId {
    type Rejection = RestRejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, RestRejection> {
        // What is not even text is the id of nothing.
        let Ok(Path(id)) = Path::<String>::from_request_parts(parts, state).await else {
            return Err(Error::NotFound { field: "id" }.into());
        };
        let own = || parts.extensions.get::<Arc<Caller>>().map(|caller| caller.token_id().to_string());
        Ok(Self(if id == SELF { own().unwrap_or(id) } else { id }))
    }
}
