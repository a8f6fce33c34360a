//! Who learns of committed changes, and how.

pub(super) mod epochs;
pub(super) mod feed;
pub(super) mod postgres;
pub(super) mod rounds;
pub(super) mod sqlite;
pub(super) mod wake;
