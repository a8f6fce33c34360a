//! The REST endpoints: the use cases for clients that use plain JSON, and for clients of Glean's `/rotatetoken`. They translate and have
//! no rules.
//!
//! The middleware [`authenticate`] authenticates the caller for all of them. `GET /openapi.json` is generated from their types and
//! functions.

mod api_tokens;
mod audit;
mod authentication;
mod campaign;
mod import;
mod input;
mod leak;
mod mail;
mod openapi;
mod page;
mod rejection;
mod revocation;
mod rotatetoken;
mod rotation;
mod routes;
mod token;
mod token_value;
mod verification;
mod webhook;

pub use import::{ImportLines, LineProblem};
pub(super) use rejection::RestRejection;
pub(super) use routes::{is_rest_path, routes};
