//! Webhooks, and the outbox of notices to them.

mod deliveries;
mod enqueue;
mod outbox;
mod row;
mod sweep;
mod webhooks;

pub use deliveries::DeliveryListing;
pub use outbox::{Attempted, Backlog, Claimed, ClaimedDelivery, DueWebhook, Noted};
pub use sweep::SweepPosition;
