//! Reaching the database, making it durable, and bringing its schema up to date.

mod clock;
mod migrate;
mod open;
pub(super) mod options;
pub(super) mod pool;
pub(super) mod postgres;
mod schema;
mod sqlite;
pub(super) mod turn;
mod unusable;
