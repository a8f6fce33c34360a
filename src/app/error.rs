//! Why the server could not start, or stopped.

use crate::config::Listen;
use crate::{http, store, systemd, tls};

/// Why the server could not start or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be used.
    #[error("Cannot open the database {0}")]
    Database(#[from] store::Error),
    /// The files of the database were deleted or replaced.
    #[error("The server has stopped: {0}")]
    DatabaseMoved(store::Error),
    /// The database did not close in order.
    #[error("The database was not closed cleanly, but no acknowledged change is lost: {0}")]
    Closing(store::Error),
    /// An essential task has failed, which is a bug.
    #[error("The server has stopped, because an essential task failed: {0}")]
    Task(#[from] tokio::task::JoinError),
    /// The port cannot be bound.
    #[error("Cannot listen on {address}: {source}. Choose another address with {flag}.")]
    Listen {
        /// The flag that sets it.
        flag: &'static str,
        /// The configured address.
        address: Listen,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The TLS files cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// A socket that the service manager passed cannot be used.
    #[error(transparent)]
    PassedSocket(#[from] systemd::UnusableSocket),
    /// The GraphQL schema generated from the code is invalid.
    #[error(transparent)]
    Schema(#[from] http::InvalidSchema),
    /// Signals cannot be received.
    #[error("The server stopped: {0}")]
    Io(#[from] std::io::Error),
}
