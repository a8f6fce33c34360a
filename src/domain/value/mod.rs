//! The secret value of a token: its format, how it is derived for a repeated request, and how it is kept out of other texts.

mod base62;
pub mod derivation;
mod redact;
mod secret;

pub use redact::{holds_value, redact};
pub use secret::{Hint, MalformedValue, PresentedValue, Value, ValueHash};
