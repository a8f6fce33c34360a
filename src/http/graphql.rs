//! `POST /graphql`: GraphQL over HTTP for JSON bodies.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

use crate::domain::lifecycle::Standing;
use crate::domain::timestamp::Timestamp;
use crate::graphql::{Answer, Document};
use crate::service::{self, Caller, ErrorCode};

use super::Doors;
use super::credential::{self, Unusable};
use super::reply::{self, Rejection};

const RESPONSE_JSON: &str = "application/graphql-response+json";
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

pub(super) async fn answer(
    State(doors): State<Doors>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<Body>, Rejection> {
    let caller = authenticate(&doors, &headers).await?;
    let document = read(&headers, body)?;
    let standing = caller.as_ref().map(Caller::standing);
    let anonymous = caller.is_none();
    let answer = doors.graphql.answer(document, caller).await;
    let mut response = write(&headers, &answer);
    if anonymous && !answer.body.errors.is_empty() {
        reply::challenge(&mut response);
    }
    if let Some(Standing::Previous { replaced_at, retires_at }) = standing {
        warn_of_retirement(response.headers_mut(), replaced_at, retires_at);
    }
    Ok(response)
}

/// Who is calling. A credential that is sent and is not good is the end of the request, never an anonymous one.
async fn authenticate(doors: &Doors, headers: &HeaderMap) -> Result<Option<Caller>, Rejection> {
    let presented = credential::find(headers).map_err(|unusable| match unusable {
        Unusable::Ambiguous => Rejection::new(
            ErrorCode::BadUserInput,
            "X-API-Key and Authorization hold different values. Send one value, in one of them.",
        ),
        Unusable::Unreadable => service::Error::Unauthenticated.into(),
    })?;
    let Some(presented) = presented else { return Ok(None) };
    Ok(Some(doors.service.authenticate(presented).await?))
}

fn read(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Document, Rejection> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        let message = "Send the request as JSON, with Content-Type: application/json.";
        return Err(Rejection::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, message));
    }
    let body = body.map_err(|rejection| {
        let message = "The body could not be read; it may be too large. At most 1 MiB is read.";
        Rejection::with_status(rejection.status(), ErrorCode::BadUserInput, message)
    })?;
    // The parser's own words are not passed on: they could quote the body, which may hold a value.
    let parsed: Value = serde_json::from_slice(&body).map_err(|_| malformed("The body is not JSON."))?;
    let Value::Object(mut fields) = parsed else { return Err(malformed("The body must be a JSON object.")) };
    let Some(Value::String(query)) = fields.remove("query") else {
        return Err(malformed("The body must have the field query, a string."));
    };
    let operation_name = match fields.remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return Err(malformed("The field operationName must be a string or null.")),
    };
    let variables = match fields.remove("variables") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(variables)) => variables,
        Some(_) => return Err(malformed("The field variables must be an object or null.")),
    };
    Ok(Document { query, operation_name, variables })
}

fn malformed(message: &str) -> Rejection {
    Rejection::new(ErrorCode::BadUserInput, message)
}

/// The answer in the media type that the client prefers. Only the newer one lets the status speak of the document.
fn write(headers: &HeaderMap, answer: &Answer) -> Response<Body> {
    let accept = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let modern = accept
        .flat_map(|value| value.split(','))
        .any(|range| range.split(';').next().is_some_and(|range| range.trim().eq_ignore_ascii_case(RESPONSE_JSON)));
    let Ok(body) = serde_json::to_vec(&answer.body) else { return reply::panicked() };
    let mut response = Response::new(Body::from(body));
    if modern && !answer.executed {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    let media_type = if modern {
        HeaderValue::from_static("application/graphql-response+json; charset=utf-8")
    } else {
        HeaderValue::from_static("application/json; charset=utf-8")
    };
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Tells a client that it still uses the previous value: since when it need not (RFC 9745), and until when it can (RFC 8594).
fn warn_of_retirement(headers: &mut HeaderMap, replaced_at: Timestamp, retires_at: Timestamp) {
    let deprecation = format!("@{}", replaced_at.unix_seconds());
    for (name, text) in [(DEPRECATION, deprecation), (SUNSET, retires_at.http_date())] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}
