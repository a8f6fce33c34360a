//! The audit log, its subscription, and what the log of the process says.

mod events;
mod pages;
mod process_log;
mod reasons;
mod rest;
mod slow_subscribers;
mod subscriptions;
