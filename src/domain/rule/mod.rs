//! The rules: what may happen to a token and its values, when, and by whom.

pub mod authority;
pub mod campaign;
pub mod conflict_guard;
pub mod freshness;
pub mod lifecycle;
pub mod retire_values;
pub mod rotation;
pub mod suspension;
pub mod verification;
