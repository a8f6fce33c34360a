mod message;
mod outbox;
