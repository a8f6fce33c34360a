//! Callers: from a presented value to somebody in whose name a use case runs.

mod authenticate;
mod change;
mod first_use;
mod identity;
mod open_stream;
mod streams;

pub use identity::Caller;
pub use streams::StreamPlace;
pub(crate) use streams::Streams;
