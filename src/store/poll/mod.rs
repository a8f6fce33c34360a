//! Finding out what other processes commit.

pub(super) mod listener;
mod postgres;
mod postgres_connection;
mod sqlite;
