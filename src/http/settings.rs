//! The settings of the endpoints.

use std::time::Duration;

use crate::domain::restriction::TrustedProxies;
use crate::tls::Tls;
use crate::traces::Traces;

/// The operator's settings of the endpoints.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The proxies whose forwarding headers are trusted (R12).
    pub trusted_proxies: TrustedProxies,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How many connections may be open at once.
    pub max_connections: usize,
    /// How many bytes may be held in memory for all connections together: unsent responses, and incomplete request bodies.
    pub max_held_bytes: usize,
    /// For how long new requests are still accepted after the server was asked to stop.
    pub drain: Duration,
    /// TLS at the address of the API. Without it, that speaks plain HTTP.
    pub tls: Option<Tls>,
    /// Tracing, if it is configured.
    pub traces: Option<Traces>,
    /// The settings of GraphQL.
    pub graphql: crate::graphql::Settings,
}

impl Settings {
    /// The default of `max_held_bytes`.
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
            tls: None,
            traces: None,
            graphql: crate::graphql::Settings::default(),
        }
    }
}
