//! Verification: every outcome at every endpoint where one may ask.

mod at_once;
mod direct;
mod forward_auth;
mod freshness;
mod introspect;
mod introspect_clients;
mod verify;
mod verify_use;
