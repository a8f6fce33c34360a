//! The GraphQL endpoint: the contract's shapes and names over the use cases. It translates and holds no rule.
//!
//! API types are written by hand and share nothing with the rows of the database, so that no column can become public by
//! accident.
//!
//! The folders use one another downwards only: engine, document, validation, syntax; and engine, schema. They are private to
//! this room, so `pub(crate)` in them reaches no further than the room.

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
pub use engine::request::{Outcome, Refused, Request, Verifying};
pub use error::{PublicError, log_and_describe};
pub use session::{AnswerSize, Session};
pub use settings::{Introspection, Settings};
pub use validation::validator::InvalidSchema;

/// The schema in the GraphQL schema definition language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    engine::execute::sdl_of(&engine::execute::build_schema().finish())
}
