//! The texts that people and programs write: which are good, how they are read, and how a message repeats them.

mod line;
mod names;
mod number;
mod quote;

pub use line::{MAX_DESCRIPTION_LENGTH, MAX_NAME_LENGTH, plain_line};
pub(super) use line::{description, line, no_value};
pub(super) use names::names;
pub use number::whole;
pub use quote::quote;
