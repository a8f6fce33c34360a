//! What clients saw: every call with its answer, as JSON lines. `docs/reliability.md` describes the format.
//!
//! Separate from the clients that record it, because a history may have been recorded elsewhere. It never holds a value, only its
//! SHA-256.

mod call;
pub mod check;
mod file;

pub use call::{Call, Kind, Life, OnReuse, Outcome, OverlapStarts};
pub use file::{Header, History, Writer};
