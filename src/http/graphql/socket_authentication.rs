//! Authenticates the client of a WebSocket, by the headers of its handshake and the payload of `connection_init`.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};

use crate::domain::id::RequestId;
use crate::domain::restriction::Source;
use crate::http::caller::credential::{self, API_KEY};
use crate::http::state::AppState;
use crate::service::{self, Caller, RequestContext};

use super::protocol::Close;

/// What the handshake says about the client.
pub(crate) struct SocketClient {
    pub(super) source: Source,
    pub(super) user_agent: Option<Vec<u8>>,
    pub(super) request_id: Option<RequestId>,
    /// The headers that may contain a credential.
    pub(super) presented: HeaderMap,
}

impl SocketClient {
    fn request_context(&self) -> RequestContext<'_> {
        let user_agent = self.user_agent.as_deref();
        RequestContext { source: self.source.clone(), user_agent, request_id: self.request_id }
    }

    /// Authenticates the client by the value in the payload of `connection_init` or in the headers of the handshake, which a web page
    /// cannot set. Two different values are refused.
    pub(crate) async fn caller(&self, state: &AppState, payload: &Map<String, Value>) -> Result<Caller, Close> {
        let refused = |err: service::Error| Close::refused(&err.into());
        let mut headers = self.presented.clone();
        // Some clients send their headers as an object under this name.
        let nested = payload.get("headers").and_then(Value::as_object);
        for (key, value) in payload.iter().chain(nested.into_iter().flatten()) {
            if value.is_null() {
                // Some clients send null instead of leaving the field out.
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
        let presented = credential::find(&headers, state.service.foreign_formats());
        let presented = presented.map_err(|unusable| Close::refused(&unusable.into()))?;
        let Some(presented) = presented else { return Err(refused(service::Error::Anonymous)) };
        state.service.authenticate(presented.text, self.request_context()).await.map_err(refused)
    }
}
