//! The state that all endpoints share.

use std::ops::Deref;
use std::sync::Arc;

use axum::body::Bytes;

use crate::domain::restriction::TrustedProxies;
use crate::graphql::{GraphqlEngine, Introspection, InvalidSchema};
use crate::service::Service;
use crate::tls::Tls;
use crate::traces::Traces;

use super::caller::RefusedCredentials;
use super::metrics::Requests;
use super::server::{Budget, ConnectionCounts, Shutdown};
use super::settings::Settings;

/// The state that every endpoint needs. It is cloned for every request, so it is a single pointer.
#[derive(Clone)]
pub(super) struct AppState(Arc<Inner>);

pub(super) struct Inner {
    pub(super) service: Service,
    pub(super) graphql: GraphqlEngine,
    pub(super) trusted_proxies: TrustedProxies,
    pub(super) max_body_bytes: usize,
    pub(super) max_connections: usize,
    /// What the connections of every address hold together.
    pub(super) budget: Arc<Budget>,
    /// Of the address of the API.
    pub(super) connections: Arc<ConnectionCounts>,
    /// Of the address of the metrics, if they have their own.
    pub(super) metrics_connections: Arc<ConnectionCounts>,
    /// The schema, shared by all responses that contain it.
    pub(super) sdl: Bytes,
    pub(super) shutdown: Shutdown,
    pub(super) refused: Arc<RefusedCredentials>,
    pub(super) requests: Requests,
    pub(super) tls: Option<Tls>,
    pub(super) traces: Option<Traces>,
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl AppState {
    /// The state of endpoints that call these use cases.
    ///
    /// # Errors
    /// When the GraphQL schema generated from the code is invalid.
    pub(super) fn new(service: Service, settings: Settings, shutdown: Shutdown) -> Result<Self, InvalidSchema> {
        let Settings {
            trusted_proxies,
            max_body_bytes,
            max_connections,
            max_held_bytes,
            graphql,
            tls,
            traces,
            drain: _,
        } = settings;
        let graphql = GraphqlEngine::new(service.clone(), graphql)?;
        let sdl = Bytes::from(graphql.sdl().to_owned());
        let inner = Inner {
            service,
            graphql,
            trusted_proxies,
            max_body_bytes,
            max_connections,
            budget: Arc::new(Budget::new(max_held_bytes)),
            connections: Arc::default(),
            metrics_connections: Arc::default(),
            sdl,
            shutdown,
            refused: Arc::default(),
            requests: Requests::default(),
            tls,
            traces,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Whether error messages must not contain names of the schema that the client did not send.
    pub(super) fn hides_names(&self) -> bool {
        self.graphql.settings().introspection == Introspection::Off
    }
}
