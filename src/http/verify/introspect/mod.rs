//! `POST /introspect` (RFC 7662).

mod answer;
mod endpoint;
mod form;
mod oauth_client;

pub(crate) use endpoint::{ROUTE, serve};
