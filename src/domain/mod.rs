//! The rules: what a token is, what a value is, and what may happen to them when.
//!
//! Everything here is a pure function over plain values. Nothing awaits, reads a clock or draws a random number, and
//! nothing knows of a database, of GraphQL or of HTTP, so that every rule can be read, tested and model-checked alone.

pub mod audit;
pub mod authority;
mod base62;
pub mod change;
pub mod cidr;
pub mod derivation;
pub mod freshness;
pub mod id;
pub mod input;
pub mod lifecycle;
pub mod listing;
mod names;
pub mod number;
pub mod origin;
pub mod permissions;
pub mod quote;
pub mod redact;
pub mod refusal;
pub mod restriction;
pub mod retirement;
mod rfc3339;
pub mod rotation;
pub mod scope;
pub mod settings;
pub mod text;
pub mod timestamp;
pub mod token;
pub mod trusted_proxies;
pub mod value;
pub mod verification;
