//! The routes of axum's router, and its fallbacks.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::Uri;
use axum::http::header::CONNECTION;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router, middleware};

use crate::graphql::InvalidSchema;
use crate::service::{ErrorCode, Service};

use super::caller::{Client, require_schema_access};
use super::rejection::Rejection;
use super::server::{Server, SharedBody, Shutdown, readyz};
use super::settings::Settings;
use super::state::AppState;
use super::{metrics, playground, request_log, rest};

/// All endpoints, over these use cases. `shutdown` stops them.
///
/// # Errors
/// When the GraphQL schema generated from the code is invalid.
pub fn server(service: Service, settings: Settings, shutdown: Shutdown) -> Result<Server, InvalidSchema> {
    let state = AppState::new(service, settings, shutdown)?;
    let routes = api(&state).route("/metrics", get(metrics::guarded));
    Ok(api_server(routes.fallback(no_such_path), state))
}

/// As [`server`], with the metrics on an address of their own: the server of the API, which then has none, and theirs.
///
/// # Errors
/// As those of [`server`].
pub fn servers(service: Service, settings: Settings, shutdown: Shutdown) -> Result<(Server, Server), InvalidSchema> {
    let state = AppState::new(service, settings, shutdown)?;
    let monitoring = monitoring().route("/metrics", get(metrics::unguarded)).fallback(no_such_monitoring_path);
    let monitoring = Server::of_routes(state.clone(), complete(monitoring, state.clone()));
    let routes = api(&state).fallback(no_such_path);
    Ok((api_server(routes, state), monitoring))
}

/// The server of the API. If it uses TLS, it refuses all requests without.
fn api_server(routes: Router<AppState>, state: AppState) -> Server {
    let uses_tls = state.tls.is_some();
    let server = Server::new(state.clone(), complete(routes, state.clone()));
    if !uses_tls {
        return server;
    }
    let refusal = complete(Router::new().fallback(plain_http_refused), state.clone());
    server.with_plain_http(Server::of_routes(state, refusal))
}

/// What monitoring asks for on every address.
fn monitoring() -> Router<AppState> {
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(readyz))
}

fn api(state: &AppState) -> Router<AppState> {
    monitoring()
        .route("/", get(|| async { Redirect::temporary("/playground") }))
        .merge(rest::routes(state))
        .route("/schema.graphql", get(schema))
        .route("/favicon.ico", get(playground::favicon))
        .route("/playground", get(playground::page))
        .route("/playground/", get(playground::page))
        .route("/playground/{*path}", get(playground::asset))
}

/// The routes with what stands around all of them.
fn complete(routes: Router<AppState>, state: AppState) -> Router {
    let max_body_bytes = state.max_body_bytes;
    routes
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(state.clone())
        // In one call, the outermost first: each call of `layer` would box every request once more.
        .layer((
            middleware::from_fn_with_state(state, request_log::log_requests),
            DefaultBodyLimit::max(max_body_bytes),
        ))
}

/// `GET /schema.graphql`: the schema, for those who may read it.
async fn schema(State(state): State<AppState>, Client(caller): Client) -> Result<Response, Rejection> {
    let headers = require_schema_access(&state, caller.as_ref())?;
    let content_type = [("content-type", "text/plain; charset=utf-8")];
    Ok((Extension(SharedBody), headers, content_type, state.sdl.clone()).into_response())
}

async fn no_such_path(uri: Uri) -> Response {
    let message = "There is no endpoint at this path. The API is at /graphql, and its playground at /playground.";
    let rejection = Rejection::new(ErrorCode::NotFound, message);
    if rest::is_rest_path(uri.path()) {
        rest::RestRejection::from(rejection).into_response()
    } else {
        rejection.into_response()
    }
}

async fn plain_http_refused() -> impl IntoResponse {
    let message = "This address only accepts HTTPS. Use https:// in the URL. If this request contained the value of a token, it was \
                   readable on the network: rotate the token.";
    ([(CONNECTION, "close")], Rejection::new(ErrorCode::BadUserInput, message))
}

async fn no_such_monitoring_path() -> Rejection {
    Rejection::new(ErrorCode::NotFound, "Nothing is at this address. It has /metrics, /healthz and /readyz.")
}

async fn method_not_allowed() -> impl IntoResponse {
    let message = "This endpoint does not support this method. Send GraphQL requests by POST; see the Allow header.";
    Rejection::with_status(axum::http::StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message)
}
