//! The handshake of GraphQL over a WebSocket.
//!
//! A page of any origin may open a WebSocket, without a preflight request. That is safe: nothing is executed before the client has
//! presented a value, there are no cookies that a browser would add by itself, and the `Origin` of the handshake is checked against
//! the token's `allowedOrigins` (R12).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, UPGRADE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use crate::http::caller::authentication::{self, RequestInfo};
use crate::http::caller::credential::API_KEY;
use crate::http::rejection::Rejection;
use crate::http::server::{Upgrade, Upgraded};
use crate::http::state::AppState;
use crate::service::{ErrorCode, RequestContext};

use super::protocol::NAME;
use super::socket::Socket;
use super::socket_authentication::SocketClient;

/// The largest message, in bytes. Anyone can start one, and it is buffered until it is complete.
const MAX_MESSAGE_BYTES: usize = 65_536;
/// The size of the read buffer of each socket, in bytes.
const READ_BUFFER_BYTES: usize = 16_384;

/// Whether this GET is the handshake of a WebSocket.
pub(crate) fn is_handshake(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers a handshake.
pub(crate) async fn shake_hands(state: &AppState, info: RequestInfo, mut head: Parts) -> Result<Response, Rejection> {
    let RequestContext { source, user_agent, request_id } =
        authentication::request_context(&head.headers, info, state)?;
    let user_agent = user_agent.map(<[u8]>::to_vec);
    let headers = head.headers.iter().filter(|(name, _)| [AUTHORIZATION, API_KEY].contains(name));
    let presented = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut head, &()).await.map_err(|rejection| {
        let message = "This is not a WebSocket handshake (RFC 6455, section 4.2.1).";
        Rejection::with_status(rejection.into_response().status(), ErrorCode::BadUserInput, message)
    })?;
    let client = SocketClient { source, user_agent, request_id, presented };
    let limit = state.max_body_bytes.min(MAX_MESSAGE_BYTES);
    // In place of `async_graphql_axum::GraphQLProtocol`; [`super`] says why.
    let upgrade = upgrade.protocols([NAME]).max_message_size(limit).max_frame_size(limit);
    let state = state.clone();
    let upgraded = Arc::new(Upgraded::of(head.extensions.remove::<Arc<Upgrade>>().unwrap_or_default()));
    Ok(upgrade.read_buffer_size(READ_BUFFER_BYTES).on_upgrade(async move |socket| {
        let socket = Socket::new(socket, state, client, upgraded.clone());
        tokio::select! {
            () = upgraded.must_end() => {}
            () = socket.run() => {}
        }
    }))
}
