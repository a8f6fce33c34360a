//! Outgoing requests: one POST over HTTP/1.1, bounded in time and in bytes.
//!
//! Each uses a connection of its own. A redirect is an answer like any other, and no environment variable names a proxy: the request goes to
//! an address of the name in its URL, or nowhere.

mod connect;
mod error;
mod post;
mod resolve;

pub use error::Error;
pub use post::{Answer, Client, Header, Post, header};
pub use resolve::{Resolve, SystemResolver};
