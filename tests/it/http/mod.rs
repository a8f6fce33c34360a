//! What all endpoints share: connections, shutdown, bad input, and an unavailable database.

mod bad_input;
mod graceful_shutdown;
mod idle_connections;
mod unavailable;
mod unread_answers;
