//! The HTTP endpoints: they translate requests and errors, and hold no rule.

mod body;
mod caller;
mod graphql;
mod metrics;
mod playground;
mod rejection;
mod request_log;
mod rest;
mod routes;
mod server;
mod state;
mod verify;

pub use crate::graphql::InvalidSchema;
pub use routes::{server, servers};
pub use server::{Connection, Server, Shutdown};
#[cfg(test)]
pub(crate) use verify::forward_auth::imaginary;
pub use state::Settings;
