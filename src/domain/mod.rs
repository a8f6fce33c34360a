//! The rules: what a token is, what a value is, and what may happen to them when.
//!
//! Everything here is a pure function over plain values. Nothing awaits, reads a clock or draws a random number, and
//! nothing knows of a database, of GraphQL or of HTTP, so that every rule can be read, tested and model-checked alone.

pub mod audit;
pub mod error_code;
pub mod id;
pub mod invalid_input;
pub mod listing;
pub mod refusal;
pub mod restriction;
pub mod rule;
pub mod text;
pub mod timestamp;
pub mod token;
pub mod value;
