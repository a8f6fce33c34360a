//! Callers: authentication, first uses, and the locks and limits that apply to a caller.

mod authenticate;
mod find_to_change;
mod identity;
mod open_stream;
mod pending_first_use;
mod pending_use;
mod stream_limit;

pub use identity::Caller;
pub use stream_limit::StreamPermit;
pub(crate) use stream_limit::Streams;
