//! The database: what it enforces, migrations, and the faults of a file or a disk.

mod cancelled_begin;
mod constraints;
mod damaged_rows;
#[cfg(target_os = "linux")]
mod disk_full;
mod group_commit;
mod hash_lookup;
mod index_build;
mod migrations;
mod replaced_file;
mod unusable_database;
mod upgrade;
