//! Why a request got no answer.

use std::io;
use std::time::Duration;

/// Why a request got no answer. The texts are for operators, and repeat nothing that the server sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL has no host or port, or a header is invalid.
    #[error("the request cannot be made")]
    Request,
    /// The name has no address, or DNS failed.
    #[error("its name cannot be resolved: {0}")]
    Resolve(io::Error),
    /// All addresses of the name were refused.
    #[error("its name has no address that may be connected to")]
    Refused,
    /// No address accepts connections.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// The TLS handshake failed.
    #[error("TLS failed: {0}")]
    Tls(io::Error),
    /// It closed the connection, or what it sent is not HTTP or too long.
    #[error("no valid HTTP response: {0}")]
    Http(hyper::Error),
    /// All of it took too long.
    #[error("no response within {} seconds", .0.as_secs())]
    TimedOut(Duration),
}
