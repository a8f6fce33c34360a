//! The server: the listener, its connections, readiness and graceful shutdown.

mod connection;
mod dispatch;
mod readyz;
mod serve;
mod shutdown;

pub(super) use connection::{Budget, ConnectionCounts, SharedBody, TooSlow, Upgrade, Upgraded};
pub use dispatch::{Connection, Server};
pub(super) use readyz::answer as readyz;
pub use shutdown::Shutdown;
