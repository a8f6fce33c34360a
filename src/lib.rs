//! Rotakey: a self-hosted server that issues API tokens, verifies them, and above all rotates them.
//!
//! The rooms and what each may use are described in `ARCHITECTURE.md` and checked by `tests/it/house/architecture/mod.rs`.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod entropy;
pub mod graphql;
pub mod http;
pub mod mail;
pub mod metrics;
pub mod notice;
pub mod outgoing;
pub mod service;
pub mod signing;
pub mod store;
pub mod systemd;
pub mod telemetry;
pub mod tls;
pub mod traces;
