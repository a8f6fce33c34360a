//! A SQLite file: checked, opened, and read by bounded statements.

mod checks;
pub(in crate::store) mod open;
mod pools;
mod statement_limit;
