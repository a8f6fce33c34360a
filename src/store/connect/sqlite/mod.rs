//! A SQLite file: checked, opened, and read by bounded statements.

mod checks;
mod connection_options;
pub(in crate::store) mod open;
pub(in crate::store) mod readers;
mod statement_limit;
