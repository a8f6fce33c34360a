//! The SQLite files: whether they still have their names, and the space on their disk.

pub(super) mod database_file;
pub(super) mod disk_full;
pub(super) mod reserve;
pub(super) mod reserve_file;
pub(super) mod write_ahead_log;
