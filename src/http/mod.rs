//! The HTTP doors: they translate requests and errors, and hold no rule.

mod client;
mod client_address;
mod credential;
mod graphql;
mod json;
mod playground;
mod reply;
mod requests;
mod rest;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::domain::trusted_proxies::TrustedProxies;
use crate::graphql::{GraphqlDoor, sdl};
use crate::service::{ErrorCode, Service};

use reply::Rejection;

/// The largest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// What every door needs.
#[derive(Clone)]
struct Doors {
    service: Service,
    graphql: GraphqlDoor,
    trusted_proxies: Arc<TrustedProxies>,
}

/// All doors over these use cases. Forwarding headers are believed from these proxies only (R12).
pub fn router(service: Service, trusted_proxies: TrustedProxies) -> Router {
    let doors = Doors {
        graphql: GraphqlDoor::new(service.clone()),
        service: service.clone(),
        trusted_proxies: Arc::new(trusted_proxies),
    };
    let schema = sdl();
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/playground") }))
        .merge(rest::routes(&doors))
        .route("/graphql", post(graphql::answer))
        .route("/public/graphql", post(graphql::answer))
        .route("/schema.graphql", get(|| async move { ([("content-type", "text/plain; charset=utf-8")], schema) }))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/playground", get(playground::page))
        .route("/playground/", get(playground::page))
        .route("/playground/{*path}", get(playground::asset))
        .fallback(no_such_address)
        .method_not_allowed_fallback(wrong_method)
        .with_state(doors)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(|_| reply::panicked()))
        .layer(requests::log())
        .layer(axum::middleware::from_fn_with_state(service, requests::name))
}

async fn no_such_address(uri: Uri) -> Response {
    let message = "Nothing is at this address. The API is POST /graphql; people start at /playground.";
    let rejection = Rejection::new(ErrorCode::NotFound, message);
    if rest::claims(uri.path()) { rest::Refusal::from(rejection).into_response() } else { rejection.into_response() }
}

async fn wrong_method() -> impl IntoResponse {
    let message = "This address does not answer this method. GraphQL requests are sent by POST; see the Allow header.";
    Rejection::with_status(axum::http::StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message)
}
