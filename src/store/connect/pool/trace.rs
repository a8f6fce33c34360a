//! Statements in the trace of a request: what each does, and never its text.

use std::future::Future;

use sea_orm::{DbBackend, DbErr};

use crate::traces;

/// Does work on the database, which is recorded if the request is traced.
pub(super) async fn traced<T>(
    backend: DbBackend,
    operation: &'static str,
    work: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    let system = if backend == DbBackend::Sqlite { "sqlite" } else { "postgresql" };
    traces::database(system, operation, work).await
}

/// What a statement does, by its first word.
pub(super) fn operation(sql: &str) -> &'static str {
    let first = sql.split_whitespace().next().unwrap_or_default();
    // With a common table expression, it reads and writes.
    let known = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "SAVEPOINT", "ROLLBACK", "RELEASE", "SET", "LOCK"];
    known.into_iter().find(|known| known.eq_ignore_ascii_case(first)).unwrap_or("OTHER")
}
