//! Connections: how many are open, what happens on each, and which are closed so that nobody can keep others out or make the server
//! hold memory for them.

mod activity;
mod memory;
mod pool;
mod socket;
mod upgrade;
mod watch;

pub(crate) use activity::{Activity, Answering};
pub(crate) use memory::{RequestBody, Shared, TooSlow, bounded};
pub(crate) use pool::Pool;
pub(crate) use socket::Socket;
pub(crate) use upgrade::{Upgrade, Upgraded};
