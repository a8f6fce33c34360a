//! Transactions, and the moment at which they are durable.

pub(super) mod begin;
pub(super) mod durable;
pub(super) mod group;
pub(super) mod queue;
pub(super) mod slot;
pub(super) mod transaction;
