//! Servers: one in this process with a clock of its own, several on one database, the real binary, and a PostgreSQL that may break.

pub mod cluster;
pub mod fleet;
pub mod process;
pub mod replica;
pub mod server;
