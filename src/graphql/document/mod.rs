//! A valid document: what of it is to be executed, what that costs, and the cache of documents that were sent before.

pub(crate) mod cache;
pub(crate) mod cost;
pub(crate) mod direct_verification;
pub(crate) mod plan;
pub(crate) mod prepared;
mod root_fields;
pub(crate) mod single_rotation;
