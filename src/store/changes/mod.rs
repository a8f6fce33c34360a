//! Publishing committed changes to caches, to subscribers of the audit log, and to other replicas.

pub(super) mod change_set;
pub(super) mod epochs;
pub(super) mod notify;
pub(super) mod publisher;
pub(super) mod requested_polls;
mod staleness;
mod subscribe;
