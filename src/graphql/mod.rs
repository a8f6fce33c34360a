//! The GraphQL door: the contract's shapes and names over the use cases. It translates and holds no rule.
//!
//! API types are written by hand and share nothing with the rows of the database, so that no column can become public by
//! accident.

mod empty_parentheses;
mod error;
mod execute;
mod mutation;
mod once;
mod query;
mod selection;
mod types;

pub use error::{Failure, describe};
pub use execute::{Answer, Document, GraphqlDoor};

/// The schema in the GraphQL schema definition language, as `schema.graphql` holds it.
pub fn sdl() -> String {
    execute::build_schema()
        .finish()
        .sdl_with_options(async_graphql::SDLExportOptions::new().use_space_ident().indent_width(2))
}
