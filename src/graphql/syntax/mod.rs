//! The text of a document: its tokens, what the parser is given, where things stand, and the document as it is executed.

pub(crate) mod collect_fields;
pub(crate) mod error_locations;
pub(crate) mod lexer;
pub(crate) mod positions;
pub(crate) mod preprocess;
pub(crate) mod translate;
