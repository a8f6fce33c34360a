//! Mail: one message at a time to the mail server of the operator, over SMTP (RFC 5321), bounded in time and in bytes.
//!
//! The library writes the message and speaks SMTP. Connections and TLS are ours, so that names are resolved and certificates verified as
//! for all outgoing connections.

mod connect;
mod error;
mod message;
mod send;
mod server;
mod wire;

pub use error::Error;
pub use message::Mail;
pub use send::Client;
pub use server::{MailServer, MalformedMailServer};
