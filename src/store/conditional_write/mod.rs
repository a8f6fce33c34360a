//! Writes whose conditions are part of their statements, so that they can be decided on cached facts, without a lock.

pub(super) mod chain;
mod write;
