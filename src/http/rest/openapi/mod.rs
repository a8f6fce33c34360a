//! The description of the REST endpoints.

mod document;
mod limits;
mod schema;

pub(super) use document::document;
