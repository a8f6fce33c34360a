//! `GET /metrics`. They show the load of the server and the number of tokens, so they are not public: at the address of the API a caller
//! needs a permission, and at their own address (`--metrics-listen`) the network decides which clients can connect.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Response};
use axum::response::IntoResponse;

use crate::http::body::media_type;
use crate::http::caller::{Client, warning_headers};
use crate::http::rejection::{self, Rejection};
use crate::http::state::AppState;
use crate::metrics::Format;
use crate::service::Error;

use super::describe::exposition;

/// The metrics, for a caller who may list all tokens.
pub(in crate::http) async fn guarded(
    State(state): State<AppState>,
    Client(caller): Client,
    headers: HeaderMap,
) -> Result<Response<Body>, Rejection> {
    let caller = caller.ok_or(Error::Anonymous)?;
    state.service.authorise_metrics(&caller).await?;
    let mut response = answer(state, &headers).await;
    warning_headers::warn(response.headers_mut(), Some(caller.warnings()));
    Ok(response)
}

/// The metrics, without authentication, at their own address.
pub(in crate::http) async fn unguarded(State(state): State<AppState>, headers: HeaderMap) -> Response<Body> {
    answer(state, &headers).await
}

async fn answer(state: AppState, headers: &HeaderMap) -> Response<Body> {
    let named = |kind, subtype| media_type::is_named(headers, kind, subtype);
    let format = if named("application", "openmetrics-text") { Format::OpenMetrics } else { Format::Prometheus };
    // It asks the file system for its free space, which blocks while a disk is slow.
    let text = tokio::task::spawn_blocking(move || exposition(&state).encode(format)).await;
    let Ok(Ok(text)) = text else { return rejection::panicked() };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (VARY, HeaderValue::from_static("Accept")),
    ];
    (headers, text).into_response()
}
