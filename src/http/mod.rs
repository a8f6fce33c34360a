//! The HTTP doors: they translate requests and errors, and hold no rule.

mod client;
mod client_address;
mod connection;
mod credential;
mod forward_auth;
mod front;
mod graphql;
mod graphql_protocol;
mod graphql_request;
mod graphql_socket;
mod graphql_sse;
mod graphql_ws;
mod introspect;
mod json;
mod media_type;
mod playground;
mod ready;
mod refused_credentials;
mod reply;
mod requests;
mod rest;
mod serve;
mod shutdown;
mod small_body;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::domain::restriction::TrustedProxies;
pub use crate::graphql::InvalidSchema;
use crate::graphql::{GraphqlDoor, Introspection};
use crate::service::{self, Caller, ErrorCode, Service};
pub use front::{Connection, Front};
pub use shutdown::Shutdown;

use client::Client;
use refused_credentials::RefusedCredentials;
use reply::Rejection;

/// What the operator decides about the doors.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose forwarding headers are believed (R12).
    pub trusted_proxies: TrustedProxies,
    /// The largest body that is read, in bytes.
    pub max_body_bytes: usize,
    /// How many connections may be open at once.
    pub max_connections: usize,
    /// For how long requests are still taken once the server was asked to stop.
    pub drain: Duration,
    /// What is decided about documents.
    pub graphql: crate::graphql::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trusted_proxies: TrustedProxies::default(),
            max_body_bytes: 1024 * 1024,
            max_connections: 4_096,
            drain: Duration::ZERO,
            graphql: crate::graphql::Settings::default(),
        }
    }
}

/// What every door needs. Every request gets a copy, so that is one pointer.
#[derive(Clone)]
struct Doors(Arc<Shared>);

struct Shared {
    service: Service,
    graphql: GraphqlDoor,
    trusted_proxies: TrustedProxies,
    max_body_bytes: usize,
    max_connections: usize,
    /// The schema, one copy for all who ask for it.
    sdl: Bytes,
    shutdown: Shutdown,
    refused: Arc<RefusedCredentials>,
}

impl Deref for Doors {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// All endpoints over these use cases, which stop as `shutdown` orders.
///
/// # Errors
/// When the GraphQL schema generated from the code is invalid.
pub fn front(service: Service, settings: Settings, shutdown: Shutdown) -> Result<Front, InvalidSchema> {
    let Settings { trusted_proxies, max_body_bytes, max_connections, graphql, drain: _ } = settings;
    let graphql = GraphqlDoor::new(service.clone(), graphql)?;
    let sdl = Bytes::from(graphql.sdl().to_owned());
    let refused = Arc::default();
    let shared = Shared { service, graphql, trusted_proxies, max_body_bytes, max_connections, sdl, shutdown, refused };
    let doors = Doors(Arc::new(shared));
    let routes = Router::new()
        .route("/", get(|| async { Redirect::temporary("/playground") }))
        .merge(rest::routes(&doors))
        .route("/schema.graphql", get(schema))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready::answer))
        .route("/favicon.ico", get(playground::favicon))
        .route("/playground", get(playground::page))
        .route("/playground/", get(playground::page))
        .route("/playground/{*path}", get(playground::asset))
        .fallback(no_such_address)
        .method_not_allowed_fallback(wrong_method)
        .with_state(doors.clone())
        // The outermost first, and all at once: every call of `layer` would put a box of its own around each request.
        .layer((
            axum::middleware::from_fn_with_state(doors.clone(), requests::observe),
            DefaultBodyLimit::max(max_body_bytes),
        ));
    Ok(Front::new(doors, routes))
}

/// The schema, for whoever may read it.
async fn schema(State(doors): State<Doors>, Client(caller): Client) -> Result<Response, Rejection> {
    let headers = doors.admit_reader(caller.as_ref())?;
    let content_type = [("content-type", "text/plain; charset=utf-8")];
    Ok((Extension(connection::Shared), headers, content_type, doors.sdl.clone()).into_response())
}

impl Doors {
    /// Lets those in who may read what the API looks like, be it as the schema or as the description of REST. These headers
    /// belong to the answer: one to a caller is not for others.
    fn admit_reader(&self, caller: Option<&Caller>) -> Result<HeaderMap, Rejection> {
        let mut headers = HeaderMap::new();
        match (self.graphql.settings().introspection, caller) {
            (Introspection::Off, _) => {
                let message = "The schema is not shown here. Ask the operator for it.";
                return Err(Rejection::new(ErrorCode::NotFound, message));
            }
            (Introspection::Authenticated, None) => return Err(service::Error::Anonymous.into()),
            (Introspection::Public, None) => {}
            (_, Some(caller)) => {
                client::warn_of_retirement(&mut headers, Some(caller.standing()));
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
        }
        Ok(headers)
    }

    /// Whether errors may name only what the client sent.
    fn hides_names(&self) -> bool {
        self.graphql.settings().introspection == Introspection::Off
    }
}

async fn no_such_address(uri: Uri) -> Response {
    let message = "Nothing is at this address. The API is at /graphql; people start at /playground.";
    let rejection = Rejection::new(ErrorCode::NotFound, message);
    if rest::claims(uri.path()) { rest::Refusal::from(rejection).into_response() } else { rejection.into_response() }
}

async fn wrong_method() -> impl IntoResponse {
    let message = "This address does not answer this method. GraphQL requests are sent by POST; see the Allow header.";
    Rejection::with_status(axum::http::StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message)
}
