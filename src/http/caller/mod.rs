//! Authentication of requests: the credential, the client's address, the caller, the log of refused credentials, and who may read the
//! schema. Also the headers that warn of a rotation, which depend on the caller.

pub(super) mod authentication;
mod client_address;
pub(super) mod credential;
pub(super) mod idempotency_key;
mod refused_credentials;
mod schema_access;
pub(super) mod warning_headers;

pub(super) use authentication::{CallerDeferringFirstUse, Client};
pub(super) use client_address::client_address;
pub(super) use refused_credentials::{RefusedCredentials, refused_credential};
pub(super) use schema_access::require_schema_access;
