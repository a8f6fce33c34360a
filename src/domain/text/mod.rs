//! Texts that people and programs write: validating them, parsing them, and quoting them in messages.

mod display_text;
mod enum_names;
mod nearest;
mod number;
mod quote;

pub use display_text::{MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH, plain_line};
pub(super) use display_text::{description, line, no_value, single_line};
pub(super) use enum_names::names;
pub use nearest::nearest;
pub use number::whole;
pub use quote::quote;
