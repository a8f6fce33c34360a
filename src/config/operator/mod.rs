//! The flags of the operator's commands, which work on the database itself.

mod backup;
mod retire_values;

pub use backup::{BackupFlags, RestoreFlags, RestoreSettings};
pub use retire_values::RetireValuesFlags;
