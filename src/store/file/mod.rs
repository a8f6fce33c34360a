//! The SQLite file: whether it is still there, and the space on its disk.

pub(super) mod database_file;
pub(super) mod disk_full;
pub(super) mod reserve;
pub(super) mod reserve_file;
pub(super) mod write_ahead_log;
