//! Valid documents: the plan of what to execute, its cost, and the document cache.

pub(crate) mod cache;
pub(crate) mod cost;
pub(crate) mod direct;
pub(crate) mod extensions;
pub(crate) mod plan;
pub(crate) mod prepared;
mod root_fields;
pub(crate) mod single_rotation;
