//! The public schema: root types, their resolvers, and the types that they take and return.

pub(crate) mod context;
pub(crate) mod handoff;
mod mail_mutation;
pub(crate) mod mutation;
pub(crate) mod query;
pub(crate) mod subscription;
pub(crate) mod types;
