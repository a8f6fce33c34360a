//! What is done to all API tokens that match a filter.

pub(crate) mod revocation;
pub(crate) mod rotations;
