//! Transactions: how one begins, how those on SQLite share a commit, and what follows a durable commit.

pub(super) mod after_commit;
pub(super) mod begin;
pub(super) mod group;
pub(super) mod queue;
pub(super) mod slot;
pub(super) mod transaction;
