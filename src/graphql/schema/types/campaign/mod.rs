//! Rotation campaigns: what clients send and get about one.

pub(crate) mod enums;
pub(crate) mod input;
pub(crate) mod rotation_campaign;
pub(crate) mod tokens;
