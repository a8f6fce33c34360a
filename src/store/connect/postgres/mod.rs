//! PostgreSQL: the servers that may be the database, which of them is, and connections to it.

mod address;
mod hosts;
pub(in crate::store) mod pools;
pub(in crate::store) mod primary;
