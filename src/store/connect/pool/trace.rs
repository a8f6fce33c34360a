//! Statements in the trace of a request: what each does, and never its text.

use sea_orm::DbBackend;

use crate::traces::{self, DatabaseSpan};

/// Begins an operation, which is recorded if the request is traced.
pub(super) fn span(backend: DbBackend, operation: &'static str) -> DatabaseSpan {
    traces::database(if backend == DbBackend::Sqlite { "sqlite" } else { "postgresql" }, operation)
}

/// Begins a statement: what it does is its first word.
pub(super) fn span_of(backend: DbBackend, sql: &str) -> DatabaseSpan {
    let first = sql.split_whitespace().next().unwrap_or_default();
    // With a common table expression, it reads and writes.
    let known = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "SAVEPOINT", "ROLLBACK", "RELEASE", "SET", "LOCK"];
    span(backend, known.into_iter().find(|known| known.eq_ignore_ascii_case(first)).unwrap_or("OTHER"))
}
