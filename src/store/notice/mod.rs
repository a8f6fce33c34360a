//! Webhooks and mail digests, and the notices on their way to them.

mod deliveries;
mod digest;
mod enqueue;
mod outbox;
mod row;
mod sweep;
mod webhooks;

pub use deliveries::DeliveryListing;
pub use digest::{AttemptedMail, ClaimedMail, MailBacklog, MailClaim, NotedMail};
pub use outbox::{Attempted, Backlog, Claimed, ClaimedDelivery, DueWebhook, Noted};
pub use sweep::SweepPosition;
