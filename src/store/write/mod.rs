//! Transactions: how one begins, how they share a commit on SQLite, and what happens after a commit.

pub(super) mod after_commit;
pub(super) mod begin;
pub(super) mod group;
pub(super) mod queue;
mod requests;
pub(super) mod slot;
pub(super) mod transaction;
