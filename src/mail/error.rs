//! Why a mail was not accepted.

use std::io;
use std::time::Duration;

/// Why a mail was not accepted. The texts are for people, and repeat nothing that the server sent but a status.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The message cannot be written.
    #[error("the message cannot be written")]
    Message,
    /// The name of the server has no address, or DNS failed.
    #[error("the name of the mail server cannot be resolved")]
    Resolve,
    /// No address accepts connections.
    #[error("cannot connect to the mail server: {0}")]
    Connect(io::ErrorKind),
    /// The TLS handshake failed.
    #[error(
        "the TLS handshake with the mail server failed; is its certificate valid for the name, and its authority trusted?"
    )]
    Tls,
    /// The server does not offer STARTTLS.
    #[error("the mail server does not offer STARTTLS")]
    NoStartTls,
    /// It offers no way to sign in that is known here.
    #[error("the mail server offers no way to sign in that Rotakey knows (PLAIN or LOGIN)")]
    NoAuthentication,
    /// It did not accept the user and the password.
    #[error("the mail server did not accept the user and the password{0}")]
    Authentication(Status),
    /// It refused the address or the message, and means that it would do so again.
    #[error("the mail server refused the mail{0}")]
    Refused(Status),
    /// It answered with another status that is no success.
    #[error("the mail server did not accept the mail{0}")]
    NotAccepted(Status),
    /// It closed the connection, or what it sent is not SMTP or too long.
    #[error("no valid SMTP response from the mail server")]
    Protocol,
    /// All of it took too long.
    #[error("the mail server did not answer within {} seconds", .0.as_secs())]
    TimedOut(Duration),
}

/// The status of an answer, if there was one. It prints the end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub Option<u16>);

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |status| write!(f, ", with the status {status}"))
    }
}
