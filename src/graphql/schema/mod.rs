//! The schema that is public: root types, their resolvers and the types that they take and return.

pub(crate) mod context;
pub(crate) mod feed;
pub(crate) mod mutation;
pub(crate) mod query;
pub(crate) mod subscription;
pub(crate) mod types;
