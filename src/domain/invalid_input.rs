//! The error for an invalid input: which field, and what to do about it.

/// An input that is refused before anything is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidInput {
    /// The field as the GraphQL schema spells it.
    pub field: &'static str,
    /// A full sentence that says what the field must be. It repeats at most a short part of the input, and never a value.
    pub message: String,
}

impl InvalidInput {
    /// An error for this field.
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}
