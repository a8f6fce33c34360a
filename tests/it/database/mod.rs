//! The database: what it enforces, migrations, and the faults of a file or a disk.

mod constraints;
#[cfg(target_os = "linux")]
mod disk_full;
mod errors;
mod file;
mod group_commit;
mod look_up;
mod migrating;
