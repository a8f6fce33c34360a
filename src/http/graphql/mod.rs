//! GraphQL over HTTP: requests by POST and GET, server-sent events, and WebSockets.
//!
//! # Why not `async-graphql-axum`
//!
//! That crate has a type for each of these tasks. Ours stay because its types break promises of ours. Reasons that a test can show are
//! assertions in `tests/it/graphql/async_graphql_axum.rs`. One that fails says that the crate has caught up, and that a file may go.
//!
//! - `GraphQLRequest` and `GraphQLBatchRequest`, for `post_body`, `request_parameters` and `body::json`. They read a body of any length and of any
//!   media type, so any page can make a browser send a change. They ignore `operationName` in a URL. Their rejection repeats what was
//!   sent, which may be a token's value (R9). They turn variables into values of the library; we keep them as JSON, to name the one that
//!   is wrong, and to verify a value without building them.
//! - `GraphQLResponse`, for `endpoint`. It ignores `Accept`, always answers 200, and always has `data`, before `errors`. For an executed
//!   operation it would save only a call of `serde_json`, because status, media type and caching would still be set by us.
//! - `GraphQLProtocol`, for one line in `socket_upgrade`. It also accepts the older `graphql-ws`, does not say which one it accepted, and refuses
//!   others by an empty 400.
//! - `GraphQLWebSocket`, for `socket` and `protocol`. It closes with other codes than those of the protocol, and with reasons that do not
//!   fit a close frame. A second operation replaces the first of the same id, any number of operations may run, and messages of the
//!   older protocol are obeyed. A filter in front of it could refuse these. But with any executor, it never sends `error`, cannot close
//!   the socket of a caller that was refused, and pings no client. It answers `complete` with `complete`, which a client that uses the
//!   id again takes for the end of the new operation. It polls operations in the task that writes, and serialises each event for each
//!   subscriber. So another filter would parse and rewrite what it sends, and all that is left for it is a map of streams.

mod endpoint;
mod post_body;
mod protocol;
mod request_parameters;
mod socket;
mod socket_authentication;
mod socket_upgrade;
mod sse;

pub(super) use endpoint::{ROUTES, serve};
pub(super) use socket_upgrade::is_handshake;
