//! The HTTP endpoints. They translate requests, responses and errors, and have no rules.

mod body;
mod caller;
mod graphql;
mod metrics;
mod playground;
mod rejection;
mod request_log;
mod request_trace;
mod rest;
mod routes;
mod server;
mod settings;
mod state;
mod verify;

pub use crate::graphql::InvalidSchema;
pub use rest::{ImportLines, LineProblem};
pub use routes::{server, servers};
pub use server::{Connection, Server, Shutdown};
pub use settings::Settings;
#[cfg(test)]
pub(crate) use verify::forward_auth::imaginary;
