//! Whether a document and its variables are valid and within the bounds, before anything is executed.

mod bounds;
mod field_aliases;
mod hidden_names;
mod input_values;
mod suggestion;
pub(crate) mod validator;
pub(crate) mod variables;
