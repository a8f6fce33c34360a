//! Publishing committed changes: to caches, to subscribers of the audit log, and to other replicas.

pub(super) mod epochs;
pub(super) mod feed;
pub(super) mod notes;
pub(super) mod rounds;
mod subscribe;
pub(super) mod wake;
