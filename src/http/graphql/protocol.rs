//! The messages and close codes of the subprotocol `graphql-transport-ws`.
//!
//! Ours in place of `async_graphql::http::ClientMessage` and `WsMessage`; [`super`] says why.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::graphql::Answer;
use crate::http::body::unique_names::UniqueFields;
use crate::http::rejection::Rejection;

/// The name of the subprotocol in the handshake (RFC 6455, section 1.9).
pub(crate) const NAME: &str = "graphql-transport-ws";

/// A message from the client. Any other message closes the socket.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ClientMessage {
    ConnectionInit { payload: Option<UniqueFields> },
    Ping {},
    Pong {},
    Subscribe { id: String, payload: UniqueFields },
    Complete { id: String },
}

/// A message from the server.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ServerMessage<'a> {
    ConnectionAck,
    Pong,
    Next { id: &'a str, payload: &'a Answer },
    Error { id: &'a str, payload: Value },
    Complete { id: &'a str },
}

/// Why the server closes a socket: a code of the subprotocol or of RFC 6455, and a reason of at most 123 bytes, to fit a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

impl Close {
    pub(crate) const GOING_AWAY: Self = Self { code: 1001, reason: "The server is stopping. Connect again." };
    pub(crate) const BAD_MESSAGE: Self =
        Self { code: 4400, reason: "A message does not follow the protocol, or is too large." };
    pub(crate) const BAD_REQUEST: Self =
        Self { code: 4400, reason: "The payload of subscribe is not a GraphQL request." };
    pub(crate) const NO_INIT: Self = Self { code: 4401, reason: "Send connection_init with a value first." };
    pub(crate) const NO_PROTOCOL: Self = Self { code: 4406, reason: "Request the subprotocol graphql-transport-ws." };
    pub(crate) const INIT_TIMEOUT: Self = Self { code: 4408, reason: "Connection initialisation timeout." };
    pub(crate) const SECOND_USE_OF_ID: Self =
        Self { code: 4409, reason: "An operation with this id is already running." };
    pub(crate) const SECOND_INIT: Self = Self { code: 4429, reason: "Too many initialisation requests." };

    /// Closes a socket because its credential was refused. The reason is the error code.
    pub(crate) fn refused(rejection: &Rejection) -> Self {
        let code = match rejection.status() {
            StatusCode::UNAUTHORIZED => 4401,
            StatusCode::FORBIDDEN => 4403,
            StatusCode::BAD_REQUEST => 4400,
            // "Try again later", in the registry of close codes: clients reconnect.
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => 1013,
            _ => 1011,
        };
        Self { code, reason: rejection.code().as_str() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_five_messages_of_a_client_are_read() {
        for text in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"connection_init","payload":{"apiKey":"v"}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"pong","payload":{"a":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}"}}"#,
            r#"{"type":"complete","id":"1"}"#,
        ] {
            assert!(serde_json::from_str::<ClientMessage>(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "{}",
            "[]",
            r#"{"type":"start","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","payload":{}}"#,
            r#"{"type":"subscribe","id":1,"payload":{}}"#,
            r#"{"type":"connection_init","payload":"v"}"#,
            r#"{"type":"complete"}"#,
        ] {
            assert!(serde_json::from_str::<ClientMessage>(text).is_err(), "{text}");
        }
    }
}
