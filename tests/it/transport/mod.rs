//! GraphQL over HTTP and WebSockets, and the page that uses both.

mod http;
mod playground;
mod sockets;
