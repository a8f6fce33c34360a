//! The syntax of documents: tokens, preprocessing for the parser, locations, and translation for the executing library.

pub(crate) mod collect_fields;
pub(crate) mod error_locations;
pub(crate) mod lexer;
pub(crate) mod positions;
pub(crate) mod preprocess;
pub(crate) mod translate;
