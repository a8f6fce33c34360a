mod deadlines;
mod disabled;
mod message;
mod outbox;
mod rest;
pub mod senders;
mod sending;
mod tests;
mod webhooks;
