//! What can go wrong with the database, told apart by what the caller can do about it.

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// A failure of the store. Its text is for the log; it may name tables and constraints, never a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be reached or was too busy; the same call may succeed later.
    #[error("the database is unavailable: {0}")]
    Unavailable(DbErr),
    /// The database refused a statement.
    #[error("the database refused a statement: {0}")]
    Refused(DbErr),
    /// A row holds what no version of Rotakey writes.
    #[error("unreadable row: {0}")]
    Unreadable(String),
    /// The database is not one that Rotakey can use.
    #[error("{0}")]
    Unsuitable(String),
}

impl From<DbErr> for Error {
    fn from(err: DbErr) -> Self {
        if is_passing(&err) { Self::Unavailable(err) } else { Self::Refused(err) }
    }
}

fn is_passing(err: &DbErr) -> bool {
    match err {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(err)) | DbErr::Query(RuntimeErr::SqlxError(err)) => match err.as_ref() {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
            // SQLite: BUSY and its kinds, a full disk and I/O errors. PostgreSQL: connection lost, a transaction left open for too long, serialisation
            // failure, deadlock, shutting down, too many connections, a lock not to be had (PostgreSQL documentation,
            // appendix A).
            sqlx::Error::Database(err) => err.code().is_some_and(|code| {
                matches!(
                    code.as_ref(),
                    "5" | "261" | "517" | "13" | "778" | "4874" | "25P03" | "40001" | "40P01" | "53300" | "55P03"
                ) || code.starts_with("08")
                    || code.starts_with("57P")
            }),
            _ => false,
        },
        _ => false,
    }
}
