//! The endpoints that verify a value for others: gateways and resource servers.

pub(super) mod forward_auth;
pub(super) mod introspect;
