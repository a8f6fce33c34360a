//! The operator's commands, which work on the database itself.

pub(super) mod backup;
pub(super) mod bootstrap;
pub(super) mod import;
pub(super) mod restore;
pub(super) mod retire_values;
