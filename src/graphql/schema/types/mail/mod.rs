//! Mail digests, and the inputs and outputs of their mutations.

pub(crate) mod connection;
pub(crate) mod enums;
pub(crate) mod input;
pub(crate) mod object;
pub(crate) mod output;
