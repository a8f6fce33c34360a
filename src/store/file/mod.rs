//! The SQLite file: whether it is still there, and the space on its disk.

pub(super) mod database_file;
pub(super) mod reserve;
