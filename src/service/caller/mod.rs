//! Callers: from a presented value to somebody in whose name a use case runs.

mod authenticate;
mod change;
mod first_use;
mod streams;

pub use authenticate::Caller;
pub(crate) use first_use::FirstUse;
pub use streams::StreamPlace;
pub(crate) use streams::Streams;
