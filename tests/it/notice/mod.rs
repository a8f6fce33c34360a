mod deadlines;
mod message;
mod outbox;
mod rest;
mod senders;
mod sending;
mod webhooks;
