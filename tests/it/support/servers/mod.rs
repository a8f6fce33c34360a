//! Servers: one in this process with a clock of its own, several on one database, the real binary, a PostgreSQL that may break, PgBouncer
//! before it, and the network to it.

pub mod cluster;
pub mod fleet;
pub mod link;
pub mod pooler;
pub mod process;
pub mod process_tree;
pub mod replica;
pub mod server;
