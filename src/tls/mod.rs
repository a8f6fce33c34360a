//! TLS: the certificate and key of the server, read from files and again when they change, handshakes with clients, and connections to
//! other servers.

mod certificate;
mod client;
mod error;
mod files;
mod handshakes;
mod server;

pub use client::Connector;
pub use error::Error;
pub use files::Files;
pub use handshakes::HandshakeError;
pub use server::{Reload, Stream, Tls};
