//! The rules: what a token is, what a value is, and what may happen to them when.
//!
//! Everything here is a pure function over plain values. Nothing awaits, reads a clock or uses a random source, and nothing depends
//! on a database, GraphQL or HTTP. So every rule can be read, tested and model-checked by itself.

pub mod audit;
pub mod delivery;
pub mod error_code;
pub mod id;
pub mod invalid_input;
pub mod listing;
pub mod notice;
pub mod reason;
pub mod refusal;
pub mod restriction;
pub mod rule;
pub mod text;
pub mod timestamp;
pub mod token;
pub mod value;
pub mod value_use;
