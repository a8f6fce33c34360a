//! Rotakey: a self-hosted server that issues API tokens, verifies them, and above all rotates them.
//!
//! The rooms and what each may use are described in `ARCHITECTURE.md` and checked by `tests/it/architecture.rs`.

pub mod clock;
pub mod domain;
pub mod entropy;
pub mod service;
pub mod store;
