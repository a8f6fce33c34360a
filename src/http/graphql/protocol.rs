//! The messages of `graphql-transport-ws` and the codes with which it closes a socket.
//!
//! Ours in place of `async_graphql::http::ClientMessage` and `WsMessage`; [`super`] says why.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::graphql::Answer;
use crate::http::body::json::Object;
use crate::http::rejection::Rejection;

/// The name of the protocol in the handshake (RFC 6455, section 1.9).
pub(crate) const NAME: &str = "graphql-transport-ws";

/// What a client says. Anything else closes the socket.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum FromClient {
    ConnectionInit { payload: Option<Object> },
    Ping {},
    Pong {},
    Subscribe { id: String, payload: Object },
    Complete { id: String },
}

/// What the server says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ToClient<'a> {
    ConnectionAck,
    Pong,
    Next { id: &'a str, payload: &'a Answer },
    Error { id: &'a str, payload: Value },
    Complete { id: &'a str },
}

/// How a socket ends: a code of the protocol or of RFC 6455, and a reason, which fits a close frame (at most 123 bytes).
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

    /// The end of a socket whose credential was refused; the reason is the code of the error.
    pub(crate) fn refused(rejection: &Rejection) -> Self {
        let code = match rejection.status() {
            StatusCode::UNAUTHORIZED => 4401,
            StatusCode::FORBIDDEN => 4403,
            StatusCode::BAD_REQUEST => 4400,
            // Clients try again after this one (RFC 6455's registry of close codes).
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
    fn what_a_client_says_is_one_of_five_things() {
        for text in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"connection_init","payload":{"apiKey":"v"}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"pong","payload":{"a":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}"}}"#,
            r#"{"type":"complete","id":"1"}"#,
        ] {
            assert!(serde_json::from_str::<FromClient>(text).is_ok(), "{text}");
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
            assert!(serde_json::from_str::<FromClient>(text).is_err(), "{text}");
        }
    }
}
