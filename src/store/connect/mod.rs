//! Connecting: opening the database, its pools, and its migrations.

mod database_clock;
mod migrate;
mod open;
pub(super) mod options;
pub(super) mod pool;
pub(super) mod postgres;
mod schema;
mod sqlite;
pub(super) mod start_lock;
mod unusable;
