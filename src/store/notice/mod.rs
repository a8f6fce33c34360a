//! Webhooks, and the outbox of notices to them.

mod deliveries;
mod enqueue;
mod row;
mod webhooks;

pub use deliveries::DeliveryListing;
