//! PostgreSQL: the servers of the URL, which of them is the primary, and connections to it.

mod address;
mod hosts;
pub(super) mod index_build;
pub(in crate::store) mod pooled;
pub(in crate::store) mod pools;
pub(in crate::store) mod primary;
mod tls;
