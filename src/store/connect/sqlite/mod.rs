//! A SQLite file: checked, opened, and read by bounded statements.

mod checks;
pub(super) mod open;
mod pools;
mod statement_limit;
