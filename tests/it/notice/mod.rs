mod message;
mod outbox;
mod senders;
mod sending;
