//! GraphQL over HTTP: requests by POST and GET, server-sent events, and WebSockets.
//!
//! `async-graphql-axum` has types for all of this. None is used yet, because each breaks a promise of ours. A test fails for each
//! of these reasons that no longer holds, so that the file can then be replaced (`tests/it/graphql/async_graphql_axum.rs`):
//!
//! - `parameters` and `request`, and `body::json` beside them, for `GraphQLRequest` and `GraphQLBatchRequest`: these run a mutation sent by GET, read
//!   any media type as JSON, which lets any page make a browser send a change, read a body of any length, and ignore
//!   `operationName` in a URL. They turn variables into values of the library, while we check them against their types first and
//!   name the one at fault, and verify a value without building them at all.
//! - `endpoint` for `GraphQLResponse`: that ignores `Accept`, answers 200 with `data: null` where nothing was executed, and puts
//!   `errors` last.
//! - `socket` and `protocol` for `GraphQLProtocol` and `GraphQLWebSocket`: these never send `error`, close with other codes than
//!   the protocol's and with reasons longer than a close frame may be, let a second operation replace the first of the same id,
//!   and run any number of operations. They also send no ping, so an idle client is either kept for ever or closed although it
//!   is there; they run operations in the task that writes, so a slow reader would hold a database connection; and they
//!   serialise each event once per subscriber, while we share the text.

mod endpoint;
mod handshake;
mod parameters;
mod protocol;
mod request;
mod socket;
mod sse;
mod ws;

pub(super) use endpoint::{ROUTES, serve};
pub(super) use ws::is_handshake;
