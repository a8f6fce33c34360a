//! Verification: every outcome at every endpoint where one may ask.

mod cached_answers;
mod direct_documents;
mod direct_verification;
mod effects;
mod forward_auth;
mod freshness;
mod introspect;
mod introspect_clients;
mod many;
mod newer_settings;
mod outcomes;
