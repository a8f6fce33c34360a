//! The OpenAPI document of the REST endpoints.

mod document;
mod domain_schemas;
mod limits;

pub(super) use document::document;
