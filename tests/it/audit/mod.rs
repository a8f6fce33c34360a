//! The audit log, its subscription, and what the log of the process says.

mod events;
mod process_log;
mod slow_subscribers;
mod subscriptions;
