//! The introspection response (RFC 7662, section 2.2) and error responses (RFC 6749, section 5.2).

use std::fmt;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::domain::token::Metadata;
use crate::http::caller::credential::Place;
use crate::http::rejection::{self, Rejection};
use crate::service::Verification;

/// The challenge for a caller that lacks the permission (RFC 6750, section 3.1).
const CHALLENGE_PERMISSION: HeaderValue =
    HeaderValue::from_static(r#"Bearer realm="rotakey", error="insufficient_scope""#);
/// The challenge for a client that used HTTP Basic (RFC 7617, section 2).
const CHALLENGE_BASIC: HeaderValue = HeaderValue::from_static(r#"Basic realm="rotakey", charset="UTF-8""#);

/// The response for a valid value (RFC 7662, section 2.2). Times are in seconds since the Unix epoch.
#[derive(Serialize)]
struct Active<'a> {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    jti: fmt::Arguments<'a>,
    rotakey_name: &'a str,
    rotakey_kind: &'static str,
    rotakey_generation: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotakey_retires_at: Option<i64>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    rotakey_metadata: Pairs<'a>,
}

/// Metadata as an object.
struct Pairs<'a>(&'a Metadata);

impl Pairs<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

pub(crate) fn introspection_of(verification: &Verification) -> Response {
    let (Some(view), Some(generation), true) = (&verification.token, verification.generation, verification.is_valid())
    else {
        // The response must not say anything else of an invalid value, not even why (RFC 7662, section 2.2).
        return respond(json!({ "active": false }).to_string());
    };
    let (id, settings) = (view.token.id.text(), &view.token.settings);
    let id = id.as_str();
    let body = serde_json::to_vec(&Active {
        active: true,
        scope: (!settings.scopes.is_empty()).then(|| settings.scopes.as_str()),
        client_id: id,
        sub: settings.owner.as_deref(),
        token_type: "Bearer",
        exp: verification.good_until().map(|at| at.unix_seconds()),
        iat: verification.value().map(|value| value.created_at.unix_seconds()),
        // The id of the token alone would not distinguish its values.
        jti: format_args!("{id}.{generation}"),
        rotakey_name: &settings.name,
        rotakey_kind: settings.kind.as_str(),
        rotakey_generation: generation,
        rotakey_retires_at: verification.retires_at().map(|at| at.unix_seconds()),
        rotakey_metadata: Pairs(&settings.metadata),
    });
    body.map_or_else(|_| rejection::panicked(), respond)
}

fn respond(body: impl Into<Body>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body.into()).into_response()
}

/// A rejection in the form of RFC 6749 section 5.2, with our own code beside it.
pub(crate) struct OauthError {
    rejection: Rejection,
    /// Where the credential was read from.
    place: Option<Place>,
}

impl OauthError {
    /// The rejection of a caller whose credential was read from this place.
    pub(crate) fn for_client(place: Place, rejection: Rejection) -> Self {
        Self { rejection, place: Some(place) }
    }
}

impl<T: Into<Rejection>> From<T> for OauthError {
    fn from(rejection: T) -> Self {
        Self { rejection: rejection.into(), place: None }
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let Self { rejection, place } = self;
        let status = rejection.status();
        let error = match status {
            // Only for clients with an id and a secret, and not for a caller with a bearer token (RFC 7662, section 2.3).
            StatusCode::UNAUTHORIZED if place.is_some_and(Place::is_of_client) => "invalid_client",
            StatusCode::UNAUTHORIZED => "invalid_token",
            StatusCode::FORBIDDEN => "insufficient_scope",
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request",
        };
        let mut response = rejection.respond(|message, mut more| {
            more.insert("error".to_owned(), error.into());
            more.insert("error_description".to_owned(), message.into());
            Value::Object(more)
        });
        let challenge = match (status, place) {
            (StatusCode::UNAUTHORIZED, Some(Place::Basic)) => Some(CHALLENGE_BASIC),
            (StatusCode::FORBIDDEN, place) if !place.is_some_and(Place::is_of_client) => Some(CHALLENGE_PERMISSION),
            _ => None,
        };
        challenge.map(|challenge| response.headers_mut().insert(WWW_AUTHENTICATE, challenge));
        response
    }
}
