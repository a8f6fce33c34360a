//! The secret value of a token: its format, how it is derived for a repeated request, and how it is kept out of other texts.

mod base62;
pub mod derivation;
pub mod foreign;
mod format;
mod redact;

pub use format::{Hint, MalformedValue, PresentedValue, Value, ValueHash};
pub use redact::{holds_value, redact, values_in};
