//! The routes: what axum's router finds by path, and what answers where it finds nothing.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::graphql::InvalidSchema;
use crate::service::{ErrorCode, Service};

use super::caller::{Client, require_schema_access};
use super::rejection::Rejection;
use super::server::{Server, SharedBody, Shutdown, readyz};
use super::state::{AppState, Settings};
use super::{playground, request_log, rest};

/// All endpoints over these use cases, which stop as `shutdown` orders.
///
/// # Errors
/// When the GraphQL schema generated from the code is invalid.
pub fn server(service: Service, settings: Settings, shutdown: Shutdown) -> Result<Server, InvalidSchema> {
    let state = AppState::new(service, settings, shutdown)?;
    let max_body_bytes = state.max_body_bytes;
    let routes = Router::new()
        .route("/", get(|| async { Redirect::temporary("/playground") }))
        .merge(rest::routes(&state))
        .route("/schema.graphql", get(schema))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/favicon.ico", get(playground::favicon))
        .route("/playground", get(playground::page))
        .route("/playground/", get(playground::page))
        .route("/playground/{*path}", get(playground::asset))
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(state.clone())
        // The outermost first, and all at once: every call of `layer` would put a box of its own around each request.
        .layer((
            axum::middleware::from_fn_with_state(state.clone(), request_log::log_requests),
            DefaultBodyLimit::max(max_body_bytes),
        ));
    Ok(Server::new(state, routes))
}

/// The schema, for whoever may read it.
async fn schema(State(state): State<AppState>, Client(caller): Client) -> Result<Response, Rejection> {
    let headers = require_schema_access(&state, caller.as_ref())?;
    let content_type = [("content-type", "text/plain; charset=utf-8")];
    Ok((Extension(SharedBody), headers, content_type, state.sdl.clone()).into_response())
}

async fn no_such_path(uri: Uri) -> Response {
    let message = "Nothing is at this address. The API is at /graphql; people start at /playground.";
    let rejection = Rejection::new(ErrorCode::NotFound, message);
    if rest::is_rest_path(uri.path()) {
        rest::RestRejection::from(rejection).into_response()
    } else {
        rejection.into_response()
    }
}

async fn method_not_allowed() -> impl IntoResponse {
    let message = "This address does not support this method. Send GraphQL requests by POST; see the Allow header.";
    Rejection::with_status(axum::http::StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message)
}
