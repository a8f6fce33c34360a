//! Connections: how many are open, what happens on each, and which are closed so that nobody can keep others out or make the server
//! hold memory for them.

mod activity;
mod budget;
mod pool;
mod request_body;
mod response_body;
mod socket;
mod upgrade;
mod watch;

pub(super) use activity::{Activity, Answering};
pub(super) use pool::Pool;
pub(super) use request_body::{RequestBody, TooSlow};
pub(super) use response_body::{Shared, bounded};
pub(super) use socket::Socket;
pub(super) use upgrade::{Upgrade, Upgraded};
