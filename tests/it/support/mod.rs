//! What tests are made with: a database each, a server each with a clock and a random source of its own, clients that use
//! the public API only, and the real binary.

pub mod client;
pub mod clock;
pub mod cluster;
pub mod database;
pub mod entropy;
pub mod events;
pub mod fleet;
pub mod http2;
pub mod process;
pub mod replica;
pub mod server;
pub mod verification;
