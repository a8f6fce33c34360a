//! Errors of the database, by what a caller can do about them.

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::sqlx::sqlite::SqliteError;
use sea_orm::{DbBackend, DbErr, RuntimeErr, sqlx};

/// A failure of the store. Its text is for the log; it may name tables and constraints, never a value.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, or cannot do this at the moment. The same call may succeed later.
    #[error("the database is unavailable: {0}")]
    Unavailable(DbErr),
    /// The listing exceeded its limit and was interrupted.
    #[error("the listing took too long: {0}")]
    TooSlow(DbErr),
    /// The maximum number of listings is running, and none ended in time.
    #[error("too many listings are running")]
    TooManyListings,
    /// The database refused a statement.
    #[error("the database refused a statement: {0}")]
    Refused(DbErr),
    /// A row has contents that this version of Rotakey cannot read.
    #[error("unreadable row: {0}")]
    Unreadable(String),
    /// The database is not one that Rotakey can use.
    #[error("{0}")]
    Unsuitable(String),
}

impl From<DbErr> for Error {
    fn from(err: DbErr) -> Self {
        if is_transient(&err) { Self::Unavailable(err) } else { Self::Refused(err) }
    }
}

impl Error {
    /// The error of a failed listing. Only its own limit interrupts a listing. Connections to a SQLite file never go away, so a
    /// listing that gets none in time waited for one that is still working for a client that is gone.
    pub(super) fn of_listing(err: DbErr, backend: DbBackend) -> Self {
        match err {
            DbErr::ConnectionAcquire(_) if backend == DbBackend::Sqlite => Self::TooManyListings,
            err if is_interrupted(&err) => Self::TooSlow(err),
            err => err.into(),
        }
    }
}

/// SQLite: INTERRUPT. PostgreSQL: `query_canceled`, as by a statement timeout.
fn is_interrupted(err: &DbErr) -> bool {
    let DbErr::Query(RuntimeErr::SqlxError(err)) = err else { return false };
    matches!(err.as_ref(), sqlx::Error::Database(err) if err.code().is_some_and(|code| matches!(code.as_ref(), "9" | "57014")))
}

/// Whether the same statement may succeed later, because the state of the database was the cause and not the statement.
fn is_transient(err: &DbErr) -> bool {
    match err {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(err)) | DbErr::Query(RuntimeErr::SqlxError(err)) => match err.as_ref() {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(err) => code_is_transient(err.as_ref()),
            _ => false,
        },
        _ => false,
    }
}

fn code_is_transient(err: &dyn DatabaseError) -> bool {
    if let Some(err) = err.try_downcast_ref::<PgDatabaseError>() {
        return sqlstate_is_transient(err.code());
    }
    err.try_downcast_ref::<SqliteError>()
        .and_then(|err| err.code())
        .and_then(|code| code.parse().ok())
        .is_some_and(sqlite_code_is_transient)
}

/// PostgreSQL documentation, appendix A.
fn sqlstate_is_transient(code: &str) -> bool {
    const CLASSES: [&str; 5] = [
        "08", // the connection is lost
        "40", // serialization failure, deadlock, conflict with recovery
        "53", // disk full, out of memory, too many connections
        "57", // cancelled, shutting down, crashed, starting up
        "58", // I/O error and other system errors
    ];
    const CODES: [&str; 4] = [
        "25006", // read-only transaction: a standby, or a primary that is set to be read-only
        "25P03", // the transaction was idle for too long
        "25P04", // the transaction took too long
        "55P03", // lock timeout
    ];
    CODES.contains(&code) || CLASSES.iter().any(|class| code.starts_with(class))
}

/// SQLite documentation, "Result and Error Codes". The low byte of an extended code is the primary one.
fn sqlite_code_is_transient(code: u32) -> bool {
    const CODES: [u32; 8] = [
        5,  // BUSY: another process is writing
        6,  // LOCKED
        7,  // NOMEM
        8,  // READONLY: the file or its folder is not writable at the moment
        10, // IOERR
        13, // FULL
        14, // CANTOPEN: for example, no file descriptors are left
        15, // PROTOCOL: the write-ahead log could not be locked
    ];
    CODES.contains(&(code & 0xff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_errors_are_unavailable_and_no_others_are() {
        for code in [
            "08006", "08P01", "25006", "25P03", "25P04", "40001", "40P01", "53000", "53100", "53200", "53300", "55P03",
            "57014", "57P01", "57P02", "57P03", "57P05", "58000", "58030",
        ] {
            assert!(sqlstate_is_transient(code), "{code}");
        }
        for code in ["22012", "23505", "25P02", "28P01", "3D000", "42P01", "55000", "XX000", "XX001"] {
            assert!(!sqlstate_is_transient(code), "{code}");
        }
        // With extended codes, such as BUSY_SNAPSHOT, READONLY_DBMOVED and IOERR_FSYNC.
        for code in [5, 6, 7, 8, 10, 13, 14, 15, 261, 517, 1_032, 1_034, 3_850] {
            assert!(sqlite_code_is_transient(code), "{code}");
        }
        for code in [1, 11, 19, 26, 2_067] {
            assert!(!sqlite_code_is_transient(code), "{code}");
        }
    }
}
