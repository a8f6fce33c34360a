//! Everything but the rules themselves, through the public API, against a real database: SQLite unless
//! `ROTAKEY_TEST_POSTGRES` names a PostgreSQL cluster, in which each test then makes a database of its own.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod architecture;
mod at_once;
mod audit;
mod authority;
mod bad_input;
mod cache;
mod changes;
mod crash;
mod create;
mod credentials;
mod database;
mod direct;
mod docs;
mod docs_clients;
mod doors;
mod execution;
mod feed;
mod first_use;
mod forward_auth;
mod graphql_http;
mod graphql_limits;
mod group_commit;
mod hostile;
mod idempotency;
mod introspect;
mod limits;
mod list;
mod look_up;
mod model;
mod openapi;
mod overlap;
mod playground;
mod read;
mod replicas;
mod rest;
mod rest_errors;
mod restrictions;
mod reuse;
mod revoke;
mod rotate;
mod rotate_known;
mod rotatetoken;
mod schema;
mod secrecy;
mod serve;
mod sockets;
mod subscriptions;
mod support;
mod update;
mod uses;
mod validation;
mod verify;
mod verify_use;
