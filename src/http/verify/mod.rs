//! The endpoints that verify values for gateways and for OAuth 2.0 resource servers.

pub(super) mod forward_auth;
pub(super) mod introspect;
mod metadata_header;
