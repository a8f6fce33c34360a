//! Whether an error means that the disk is full.

use std::io::{self, ErrorKind};

use sea_orm::{DbErr, RuntimeErr, sqlx};

pub(super) fn is_shortage(err: &io::Error) -> bool {
    matches!(err.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// Whether a statement failed for want of space. SQLite says so by FULL where it runs out, and by an I/O error where a quota is
/// reached (`IOERR_WRITE`) or the shared index cannot grow (`IOERR_SHMSIZE`).
pub(super) fn is_full(err: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(err))
    | DbErr::Query(RuntimeErr::SqlxError(err))
    | DbErr::Conn(RuntimeErr::SqlxError(err))) = err
    else {
        return false;
    };
    let sqlx::Error::Database(err) = err.as_ref() else { return false };
    err.code().is_some_and(|code| matches!(code.as_ref(), "13" | "778" | "4874"))
}
