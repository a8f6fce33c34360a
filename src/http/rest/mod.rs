//! The REST endpoints: the same use cases for clients that speak plain JSON, and for those of Glean's `/rotatetoken`. They
//! translate and hold no rule.
//!
//! Who is calling is found out once for all of them, by [`authenticate`]; what they take and answer is described at
//! `GET /openapi.json`, which is made from these very types and functions.

mod api_tokens;
mod authentication;
mod input;
mod openapi;
mod page;
mod rejection;
mod rotatetoken;
mod routes;
mod token;
mod token_value;

pub(super) use rejection::RestRejection;
pub(super) use routes::{is_rest_path, routes};
