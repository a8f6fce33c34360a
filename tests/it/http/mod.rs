//! What all endpoints share: connections, shutdown, bad input, and an unavailable database.

mod bad_input;
mod connections;
mod stopping;
mod unavailable;
mod unread;
