//! Tokens and their values: reading, writing and locking them.

pub(super) mod find;
pub(super) mod lock;
pub(super) mod look_up;
pub(super) mod read;
pub(super) mod rotation;
pub(super) mod rows;
pub(super) mod uses;
