//! The outbox as it is sent: claiming deliveries that are due, and noting what came of them.
//!
//! A claim moves the time of the next attempt forward, and names the attempt. So a process that crashes between sending and noting it leaves a
//! delivery that is due again, and a process that was frozen for longer than that cannot note the outcome of an attempt that is not
//! its own any more.

mod claim;
mod note;
mod tidy;

pub use claim::{Claimed, ClaimedDelivery, DueWebhook};
pub use note::{Attempted, Noted};
pub use tidy::Backlog;
pub(in crate::store::notice) use tidy::end_subquery;
