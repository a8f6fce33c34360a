//! GraphQL over HTTP and WebSockets, and the page that uses both.

mod graphql_over_http;
mod playground;
mod websockets;
