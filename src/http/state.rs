//! What all endpoints share.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;

use crate::domain::restriction::TrustedProxies;
use crate::graphql::{GraphqlEngine, Introspection, InvalidSchema};
use crate::service::Service;

use super::caller::RefusedCredentials;
use super::metrics::Requests;
use super::server::Shutdown;

/// What the operator decides about the endpoints.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose forwarding headers are believed (R12).
    pub trusted_proxies: TrustedProxies,
    /// The largest body that is read, in bytes.
    pub max_body_bytes: usize,
    /// How many connections may be open at once.
    pub max_connections: usize,
    /// How many bytes all connections together may make the server hold: answers that are not sent yet, and bodies that have not
    /// arrived whole.
    pub max_held_bytes: usize,
    /// For how long requests are still taken once the server was asked to stop.
    pub drain: Duration,
    /// What is decided about documents.
    pub graphql: crate::graphql::Settings,
}

impl Settings {
    /// How many bytes all connections together may make the server hold, where nothing else is said.
    pub const MAX_HELD_BYTES: usize = 128 * 1024 * 1024;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trusted_proxies: TrustedProxies::default(),
            max_body_bytes: 1024 * 1024,
            max_connections: 4_096,
            max_held_bytes: Self::MAX_HELD_BYTES,
            drain: Duration::ZERO,
            graphql: crate::graphql::Settings::default(),
        }
    }
}

/// What every endpoint needs. Every request gets a copy, so that is one pointer.
#[derive(Clone)]
pub(super) struct AppState(Arc<Inner>);

pub(super) struct Inner {
    pub(super) service: Service,
    pub(super) graphql: GraphqlEngine,
    pub(super) trusted_proxies: TrustedProxies,
    pub(super) max_body_bytes: usize,
    pub(super) max_connections: usize,
    pub(super) max_held_bytes: usize,
    /// The schema, one copy for all who ask for it.
    pub(super) sdl: Bytes,
    pub(super) shutdown: Shutdown,
    pub(super) refused: Arc<RefusedCredentials>,
    pub(super) requests: Requests,
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl AppState {
    /// What the endpoints over these use cases need.
    ///
    /// # Errors
    /// When the GraphQL schema generated from the code is invalid.
    pub(super) fn new(service: Service, settings: Settings, shutdown: Shutdown) -> Result<Self, InvalidSchema> {
        let Settings { trusted_proxies, max_body_bytes, max_connections, max_held_bytes, graphql, drain: _ } = settings;
        let graphql = GraphqlEngine::new(service.clone(), graphql)?;
        let sdl = Bytes::from(graphql.sdl().to_owned());
        let inner = Inner {
            service,
            graphql,
            trusted_proxies,
            max_body_bytes,
            max_connections,
            max_held_bytes,
            sdl,
            shutdown,
            refused: Arc::default(),
            requests: Requests::default(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Whether errors may name only what the client sent.
    pub(super) fn hides_names(&self) -> bool {
        self.graphql.settings().introspection == Introspection::Off
    }
}
