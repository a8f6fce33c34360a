//! The GraphQL door: the contract's shapes and names over the use cases. It translates and holds no rule.
//!
//! API types are written by hand and share nothing with the rows of the database, so that no column can become public by
//! accident.

mod aliases;
mod answer;
mod context;
mod contract;
mod cost;
mod direct;
mod discretion;
mod document;
mod documents;
mod error;
mod execute;
mod fault;
mod inputs;
mod live;
mod mutation;
mod once;
mod plan;
mod positions;
mod query;
mod request;
mod selection;
mod settings;
mod size;
mod source;
mod subscription;
mod suggestion;
mod tokens;
mod translate;
mod types;
mod variables;

pub use answer::Answer;
pub use contract::InvalidSchema;
pub use documents::DocumentHash;
pub use error::{Failure, describe};
pub use execute::GraphqlDoor;
pub use request::{Outcome, Refused, Request, Session};
pub use settings::{Introspection, Settings};
pub use size::AnswerSize;

/// The schema in the GraphQL schema definition language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    execute::sdl_of(&execute::build_schema().finish())
}
