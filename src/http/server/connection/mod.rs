//! Connections: the open ones, the counters of each, and which are closed so that no client can exhaust connections or memory.

mod activity;
mod counts;
mod idle_timeout;
mod memory;
mod open_connections;
mod socket;
mod tls_socket;
mod upgrade;

pub(crate) use activity::{Activity, InFlight};
pub(crate) use counts::ConnectionCounts;
pub(crate) use memory::Budget;
pub(crate) use memory::{RequestBody, SharedBody, TooSlow, bounded};
pub(crate) use open_connections::OpenConnections;
pub(crate) use socket::Socket;
pub(crate) use tls_socket::TlsSocket;
pub(crate) use upgrade::{Upgrade, Upgraded};
