//! Whether an error means that the disk is full.

use std::io::{self, ErrorKind};

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Whether this error means that the disk is full, or a quota or limit is reached.
pub(super) fn is_shortage(err: &io::Error) -> bool {
    matches!(err.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// Whether a statement failed because there was no space. SQLite returns FULL when the disk is full, and an I/O error when a quota
/// is reached (`IOERR_WRITE`) or the shared-memory index cannot grow (`IOERR_SHMSIZE`).
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
