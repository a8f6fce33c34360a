mod deadlines;
mod disabled;
mod message;
mod outbox;
mod rest;
mod senders;
mod sending;
mod webhooks;
