//! How TLS handshakes end, and how many did.

use std::io;

use crate::metrics::{CounterByName, Family};

/// Why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The client supports no common version, lacks a certificate, or is gone.
    #[error("the TLS handshake failed: {0}")]
    Failed(#[from] io::Error),
    /// The client took too long.
    #[error("the TLS handshake took too long")]
    TimedOut,
}

const COMPLETED: &str = "completed";
const FAILED: &str = "failed";
const TIMED_OUT: &str = "timed_out";
const PLAIN_HTTP: &str = "plain_http";

/// The handshakes since the start, by outcome.
#[derive(Debug)]
pub(super) struct Handshakes(CounterByName);

impl Default for Handshakes {
    fn default() -> Self {
        Self(CounterByName::new([COMPLETED, FAILED, TIMED_OUT, PLAIN_HTTP]))
    }
}

impl Handshakes {
    pub(super) fn ended<S>(&self, outcome: &Result<S, HandshakeError>) {
        self.0.increment(match outcome {
            Ok(_) => COMPLETED,
            Err(HandshakeError::Failed(_)) => FAILED,
            Err(HandshakeError::TimedOut) => TIMED_OUT,
        });
    }

    pub(super) fn plain_http(&self) {
        self.0.increment(PLAIN_HTTP);
    }

    pub(super) fn describe(&self) -> Family {
        Family::counter(
            "rotakey_tls_handshakes",
            "TLS handshakes by outcome; plain_http is a client that did not use TLS.",
        )
        .by("outcome", self.0.get())
    }
}
