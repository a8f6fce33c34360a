//! Validation of documents and variables, and limits of documents, before execution.

mod field_aliases;
mod hidden_names;
mod input_values;
mod limits;
mod suggestion;
pub(crate) mod validator;
pub(crate) mod variables;
