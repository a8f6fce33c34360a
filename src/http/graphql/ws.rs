//! The handshake of GraphQL over a WebSocket, and who is calling on one.
//!
//! A page of any origin may open a WebSocket, and no preflight request asks first. There is no harm in it: nothing is
//! executed before the client has presented a value, there are no cookies that a browser would present for it, and the
//! page's origin is in the handshake, where a token's `allowedOrigins` binds it (R12).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header::{AUTHORIZATION, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::domain::id::RequestId;
use crate::domain::restriction::Source;
use crate::http::caller::client::{self, Arrival};
use crate::http::caller::credential::{self, API_KEY};
use crate::http::reply::Rejection;
use crate::http::server::{Upgrade, Upgraded};
use crate::http::state::Doors;
use crate::service::{self, Caller, ErrorCode, Visit};

use super::protocol::{Close, NAME};
use super::socket::Socket;

/// The largest message, in bytes: anybody can begin one, and it is held until it is whole.
const MAX_MESSAGE_BYTES: usize = 65_536;
/// How much of what has arrived is held for a socket in any case, in bytes.
const READ_BUFFER_BYTES: usize = 16_384;

/// What is known of a client from its handshake.
pub(crate) struct Handshake {
    source: Source,
    user_agent: Option<Vec<u8>>,
    request_id: Option<RequestId>,
    /// The headers that may hold a value.
    presented: HeaderMap,
}

/// Whether a GET is the handshake of a WebSocket.
pub(crate) fn is_handshake(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers a handshake.
pub(crate) async fn shake_hands(doors: &Doors, arrival: Arrival, mut head: Parts) -> Result<Response, Rejection> {
    let Visit { source, user_agent, request_id } = client::visit(&head.headers, arrival, doors)?;
    let user_agent = user_agent.map(<[u8]>::to_vec);
    let headers = head.headers.iter().filter(|(name, _)| [AUTHORIZATION, API_KEY].contains(name));
    let presented = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut head, &()).await.map_err(|rejection| {
        let message = "This is no handshake of a WebSocket (RFC 6455, section 4.2.1).";
        Rejection::with_status(rejection.into_response().status(), ErrorCode::BadUserInput, message)
    })?;
    let handshake = Handshake { source, user_agent, request_id, presented };
    let limit = doors.max_body_bytes.min(MAX_MESSAGE_BYTES);
    let upgrade = upgrade.protocols([NAME]).max_message_size(limit).max_frame_size(limit);
    let doors = doors.clone();
    let upgraded = Arc::new(Upgraded::of(head.extensions.remove::<Arc<Upgrade>>().unwrap_or_default()));
    Ok(upgrade.read_buffer_size(READ_BUFFER_BYTES).on_upgrade(async move |socket| {
        let socket = Socket::new(socket, doors, handshake, upgraded.clone());
        tokio::select! {
            () = upgraded.must_end() => {}
            () = socket.run() => {}
        }
    }))
}

impl Handshake {
    fn visit(&self) -> Visit<'_> {
        let user_agent = self.user_agent.as_deref();
        Visit { source: self.source.clone(), user_agent, request_id: self.request_id }
    }

    /// Who is calling: by the value in the payload of `connection_init`, or else by that in the headers of the handshake,
    /// which a page cannot set.
    pub(crate) async fn caller(&self, doors: &Doors, payload: &Map<String, Value>) -> Result<Caller, Close> {
        let refused = |err: service::Error| Close::refused(&err.into());
        let mut headers = self.presented.clone();
        // Some clients put what they would send as headers under that name.
        let nested = payload.get("headers").and_then(Value::as_object);
        for (key, value) in payload.iter().chain(nested.into_iter().flatten()) {
            if value.is_null() {
                // Clients without one say so.
                continue;
            }
            let name = match key.to_ascii_lowercase().as_str() {
                "x-api-key" | "apikey" => API_KEY,
                "authorization" => AUTHORIZATION,
                _ => continue,
            };
            let value = value.as_str().and_then(|text| HeaderValue::from_str(text).ok());
            headers.append(name, value.ok_or_else(|| refused(service::Error::Unauthenticated))?);
        }
        let presented = credential::find(&headers).map_err(|unusable| Close::refused(&unusable.into()))?;
        let Some(presented) = presented else { return Err(refused(service::Error::Anonymous)) };
        doors.service.authenticate(presented.text, self.visit()).await.map_err(refused)
    }
}
