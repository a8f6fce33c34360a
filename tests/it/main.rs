//! Everything but the rules themselves, through the public API, against a real database: SQLite unless
//! `ROTAKEY_TEST_POSTGRES` names a PostgreSQL cluster, in which each test then makes a database of its own.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod audit;
mod binary;
mod caller;
mod campaign;
mod database;
mod graphql;
mod histories;
#[path = "../faults/history/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the fault tests write histories")]
mod history;
mod house;
mod http;
mod import;
mod listing;
mod logs;
mod mail;
mod metrics;
mod model;
mod notice;
mod replicas;
mod rest;
mod rotation;
mod support;
mod tls;
mod token;
mod transport;
mod value;
mod verification;
