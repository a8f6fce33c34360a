//! Authentication for all endpoints: from the headers and the peer of a request to its caller.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::{EXPECT, ORIGIN, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::id::RequestId;
use crate::domain::restriction::Source;
use crate::http::rejection::Rejection;
use crate::http::state::AppState;
use crate::service::{self, Caller, ErrorCode, RequestContext};
use crate::traces;

use super::client_address::client_address;
use super::credential::{self, Credential, UnusableCredential};

const HOW_TO_SEND: &str = "Send one as X-API-Key: VALUE, or as Authorization: Bearer VALUE.";

/// The caller; `None` for a request without a credential. A request with a bad credential is rejected and never treated as anonymous.
pub(crate) struct Client(pub(crate) Option<Caller>);

impl FromRequestParts<AppState> for Client {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Rejection> {
        Ok(Self(caller(&parts.headers, RequestInfo::of(parts), state).await?))
    }
}

/// What is known of a request besides its head: the peer of its connection, and its id.
#[derive(Clone, Copy)]
pub(crate) struct RequestInfo {
    pub(crate) peer: Option<IpAddr>,
    pub(crate) request_id: Option<RequestId>,
}

impl RequestInfo {
    /// Of a request that axum's router handles.
    pub(crate) fn of(parts: &Parts) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        Self { peer, request_id: parts.extensions.get().copied() }
    }
}

/// The caller, as in [`Client`].
pub(crate) async fn caller(
    headers: &HeaderMap,
    info: RequestInfo,
    state: &AppState,
) -> Result<Option<Caller>, Rejection> {
    let Some(presented) = find_credential(headers, state)? else { return Ok(None) };
    Ok(Some(authenticate(presented, headers, info, state).await?))
}

/// The caller who presents this credential.
pub(crate) async fn authenticate(
    presented: Credential<'_>,
    headers: &HeaderMap,
    info: RequestInfo,
    state: &AppState,
) -> Result<Caller, Rejection> {
    let context = request_context(headers, info, state)?;
    let caller = state.service.authenticate(presented.text, context).await;
    caller.inspect(note_caller).map_err(|err| rejection_of(err, presented))
}

/// The caller, whose first use of the value may still be pending. Call [`write_first_use`] before you send any response.
pub(crate) async fn caller_deferring_first_use(
    headers: &HeaderMap,
    info: RequestInfo,
    state: &AppState,
) -> Result<Option<Caller>, Rejection> {
    let Some(presented) = find_credential(headers, state)? else { return Ok(None) };
    let context = request_context(headers, info, state)?;
    // Reading the body sends `100 Continue`, which is a response already, so the first use must be durable now.
    let expects_continue = headers.contains_key(EXPECT);
    let service = &state.service;
    let caller = if expects_continue {
        service.authenticate(presented.text, context).await
    } else {
        service.authenticate_deferring_first_use(presented.text, context).await
    };
    Ok(Some(caller.inspect(note_caller).map_err(|err| rejection_of(err, presented))?))
}

/// Names the caller in the trace of the request.
fn note_caller(caller: &Caller) {
    traces::note("rotakey.token.id", || caller.token_id().to_string());
}

/// The caller, as [`caller_deferring_first_use`] returns it.
pub(crate) struct CallerDeferringFirstUse(pub(crate) Option<Caller>);

impl FromRequestParts<AppState> for CallerDeferringFirstUse {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Rejection> {
        Ok(Self(caller_deferring_first_use(&parts.headers, RequestInfo::of(parts), state).await?))
    }
}

/// Makes a pending first use of the caller's value durable, which must happen before the response is sent. If the value has stopped
/// working since the request began, the response becomes that refusal, unless it is an error already.
pub(crate) async fn write_first_use(
    state: &AppState,
    caller: Option<&Caller>,
    is_error: bool,
) -> Result<(), Rejection> {
    let Some(caller) = caller else { return Ok(()) };
    match state.service.write_first_use(caller).await {
        Err(service::Error::Refused(_)) if is_error => Ok(()),
        written => Ok(written?),
    }
}

/// The credential of a request, if it has one.
pub(crate) fn find_credential<'a>(
    headers: &'a HeaderMap,
    state: &AppState,
) -> Result<Option<Credential<'a>>, Rejection> {
    Ok(credential::find(headers, state.service.foreign_formats())?)
}

/// The rejection of a credential. It says where the value was read, because a request may contain several.
pub(crate) fn rejection_of(err: service::Error, presented: Credential<'_>) -> Rejection {
    let of_value = matches!(err, service::Error::Unauthenticated | service::Error::Refused(_));
    let is_unknown = matches!(err, service::Error::Unauthenticated);
    let mut rejection = Rejection::from(err);
    if is_unknown && presented.has_more_than_a_value() {
        let message = "No API token has this value. Send the value alone, without quotes or a name before it.";
        rejection = rejection.with_message(message.to_owned());
    }
    let Credential { place, .. } = presented;
    if of_value { rejection.with_sentence(&format!("The value was read from {place}.")) } else { rejection }
}

impl From<UnusableCredential> for Rejection {
    fn from(unusable: UnusableCredential) -> Self {
        match unusable {
            UnusableCredential::Ambiguous => Self::new(
                ErrorCode::BadUserInput,
                "X-API-Key and Authorization hold different values of API tokens. Send one value, in one of them.",
            ),
            UnusableCredential::Foreign(place) => Self::from(service::Error::Unauthenticated)
                .with_message(format!("There is no value of an API token in {place}. {HOW_TO_SEND}")),
            UnusableCredential::WithoutScheme => Self::from(service::Error::Unauthenticated).with_message(format!(
                "In the Authorization header, `Bearer` is missing before the value. {HOW_TO_SEND}"
            )),
        }
    }
}

/// The source, user agent and id of a request.
pub(crate) fn request_context<'a>(
    headers: &'a HeaderMap,
    info: RequestInfo,
    state: &AppState,
) -> Result<RequestContext<'a>, Rejection> {
    let RequestInfo { peer, request_id } = info;
    Ok(RequestContext {
        source: source(headers, peer, state)?,
        user_agent: headers.get(USER_AGENT).map(HeaderValue::as_bytes),
        request_id,
    })
}

/// The client's address and origin.
fn source(headers: &HeaderMap, peer: Option<IpAddr>, state: &AppState) -> Result<Source, Rejection> {
    let address = match peer {
        Some(peer) => client_address(peer, headers, &state.trusted_proxies).map_err(|_| {
            let message =
                "Forwarded and X-Forwarded-For name different clients. Let the proxy set one and drop the other.";
            Rejection::new(ErrorCode::BadUserInput, message)
        })?,
        None => None,
    };
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(Source { address, origin: single(headers, &ORIGIN).map(text) })
}

/// The value of a header that was sent exactly once. If it was sent several times, none of the values can be trusted.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())
}
