//! The server: the listener, its connections, and how it stops.

mod connection;
mod dispatch;
mod ready;
mod serve;
mod shutdown;

pub(super) use connection::{Shared, TooSlow, Upgrade, Upgraded};
pub use dispatch::{Connection, Server};
pub(super) use ready::answer as ready;
pub use shutdown::Shutdown;
