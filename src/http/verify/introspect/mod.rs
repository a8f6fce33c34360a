//! `POST /introspect`: token introspection (RFC 7662).

mod endpoint;
mod form;
mod oauth_client;
mod response;

pub(crate) use endpoint::{ROUTE, serve};
