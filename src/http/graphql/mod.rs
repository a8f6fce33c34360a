//! GraphQL over HTTP: requests by POST and GET, server-sent events, and WebSockets.

mod endpoint;
mod handshake;
mod protocol;
mod request;
mod socket;
mod sse;
mod ws;

pub(super) use endpoint::{ROUTES, serve};
pub(super) use ws::is_handshake;
