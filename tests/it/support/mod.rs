//! What tests are made with: a database each, a server each with a clock and a random source of its own, clients that use
//! the public API only, and the real binary.

pub mod certificates;
pub mod client;
pub mod clock;
pub mod database;
pub mod deadline;
pub mod entropy;
pub mod events;
pub mod filled_in;
pub mod http2;
pub mod metrics;
pub mod receiver;
mod servers;
pub mod spans;
pub mod verification;

#[allow(unused_imports, reason = "the fault tests use it")]
pub use servers::process_tree;
pub use servers::{cluster, fleet, link, pooler, process, replica, server};
