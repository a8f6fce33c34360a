//! The GraphQL API: the schema, and parsing, validating, planning and executing documents. It translates between the schema and the use
//! cases, and has no rules.
//!
//! The types of the schema are written by hand and share nothing with the rows of the database, so that no column can become public
//! by accident.
//!
//! The folders depend on each other in one direction: engine, document, validation, syntax; and engine, schema. They are private to this
//! room, so `pub(crate)` in them does not reach further.

mod document;
mod engine;
mod error;
mod request_error;
mod schema;
mod session;
mod settings;
mod syntax;
mod validation;

pub use document::cache::DocumentHash;
pub use engine::answer::Answer;
pub use engine::execute::GraphqlEngine;
pub use engine::request::{DirectRequest, Outcome, Refused, Request};
pub use error::{PublicError, log_and_describe};
pub use session::{AnswerSize, Session};
pub use settings::{Introspection, Settings};
pub use validation::validator::InvalidSchema;

/// The schema in the GraphQL schema definition language, as in `schema.graphql`.
pub fn sdl() -> String {
    engine::execute::sdl_of(&engine::execute::build_schema().finish())
}
