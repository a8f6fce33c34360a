//! Transactions, and the moment at which they are durable.

pub(super) mod chain;
pub(super) mod durable;
pub(super) mod group;
pub(super) mod transaction;
