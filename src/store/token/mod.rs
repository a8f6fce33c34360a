//! Tokens and their values: found, locked, written, used and ended.

pub(super) mod end;
pub(super) mod find;
pub(super) mod lock;
pub(super) mod look_up;
pub(super) mod read;
pub(super) mod rows;
pub(super) mod uses;
pub(super) mod write;
