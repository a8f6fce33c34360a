//! TLS: the certificate and key of the server, read from files and again when they change, and handshakes with clients.

mod certificate;
mod error;
mod files;
mod handshakes;
mod server;

pub use error::Error;
pub use files::Files;
pub use handshakes::HandshakeError;
pub use server::{Reload, Stream, Tls};
