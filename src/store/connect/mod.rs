//! Connecting: opening the database, its connection pools, and its migrations.

mod database_clock;
mod migrate;
mod open;
pub(super) mod options;
pub(super) mod pool;
pub(super) mod postgres;
pub(super) mod schema;
pub(super) mod sqlite;
pub(super) mod start_lock;
pub(super) mod unusable;
