//! The flags of the operator's commands, which work on the database itself.

mod retire_values;

pub use retire_values::RetireValuesFlags;
