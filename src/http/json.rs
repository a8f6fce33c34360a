//! Bodies that are JSON objects: what every door that reads one asks of it.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::service::ErrorCode;

use super::reply::Rejection;

/// A body as the server took it from the connection.
pub(super) type Body = Result<Bytes, BytesRejection>;

/// The fields of a body that must be a JSON object.
pub(super) fn object(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Rejection> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        let message = "Send the request as JSON, with Content-Type: application/json.";
        return Err(Rejection::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, message));
    }
    // The parser's own words are not passed on: they could quote the body, which may hold a value.
    match serde_json::from_slice(&whole(body)?) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Rejection::new(ErrorCode::BadUserInput, "The body must be a JSON object.")),
        Err(_) => Err(Rejection::new(ErrorCode::BadUserInput, "The body is not JSON.")),
    }
}

/// As [`object`], where no body at all is as good as `{}`. What is not there needs no media type.
pub(super) fn object_if_any(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Rejection> {
    match body {
        Ok(bytes) if bytes.is_empty() => Ok(Map::new()),
        body => object(headers, body),
    }
}

fn whole(body: Body) -> Result<Bytes, Rejection> {
    body.map_err(|rejection| {
        let message = "The body could not be read; it may be too large. At most 1 MiB is read.";
        Rejection::with_status(rejection.status(), ErrorCode::BadUserInput, message)
    })
}
