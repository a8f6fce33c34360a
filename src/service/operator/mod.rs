//! What the operator does directly on the database, at the command line.

mod backup;
mod bootstrap;
mod retire_values;

pub use backup::{Backup, BackupError, RestoreRequest, Restored, RetireSince, back_up, restore};
pub(crate) use bootstrap::operator;
pub use retire_values::RetiredValues;
