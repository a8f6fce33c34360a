//! What is wrong with an input: which field, and what to do about it.

/// An input that is refused before anything is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidInput {
    /// The field as the GraphQL schema spells it.
    pub field: &'static str,
    /// A full sentence that says what the field must be. What it repeats of what was sent is short and holds no value.
    pub message: String,
}

impl InvalidInput {
    /// An input refused for this field.
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}
