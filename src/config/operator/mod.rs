//! The flags of the operator's commands.

mod backup;
mod health_check;
mod import;
mod retire_values;

pub use backup::{BackupFlags, RestoreFlags, RestoreSettings};
pub use health_check::HealthCheckFlags;
pub use import::ImportFlags;
pub use retire_values::RetireValuesFlags;
