//! Bodies that are JSON objects: what every door that reads one asks of it.

use std::error::Error;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::service::ErrorCode;

use super::connection::TooSlow;
use super::media_type;
use super::reply::Rejection;

/// A body as the server took it from the connection.
pub(super) type Body = Result<Bytes, BytesRejection>;

/// Takes a body of up to so many bytes from the connection, for the doors that are no routes.
pub(super) async fn read(mut request: Request, max_bytes: usize) -> Body {
    DefaultBodyLimit::max(max_bytes).apply(&mut request);
    Bytes::from_request(request, &()).await
}

/// Whether the body is said to be JSON in UTF-8.
pub(super) fn is_media_type_of(headers: &HeaderMap) -> bool {
    media_type::of_body(headers).is_some_and(|media_type| media_type.is("application", "json") && media_type.is_utf8())
}

/// The JSON of a body.
pub(super) fn value(headers: &HeaderMap, body: Body) -> Result<Value, Rejection> {
    if !is_media_type_of(headers) {
        let message = "Send the request as JSON in UTF-8, with Content-Type: application/json.";
        return Err(Rejection::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, message));
    }
    // The parser's own words are not passed on: they could quote the body, which may hold a value.
    serde_json::from_slice(&whole(body)?).map_err(|_| {
        let message = "The body is not JSON, or nests too deep or holds too large a number to be read.";
        Rejection::new(ErrorCode::BadUserInput, message)
    })
}

/// The fields of a body that must be a JSON object.
pub(super) fn object(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Rejection> {
    match value(headers, body)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Rejection::new(ErrorCode::BadUserInput, "The body must be a JSON object.")),
    }
}

/// As [`object`], where no body at all is as good as `{}`. What is not there needs no media type.
pub(super) fn object_if_any(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Rejection> {
    match body {
        Ok(bytes) if bytes.is_empty() => Ok(Map::new()),
        body => object(headers, body),
    }
}

/// Whether this is why the body could not be read: of the errors that led to the rejection, one is ours.
fn came_too_slowly(rejection: &BytesRejection) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(rejection);
    while let Some(err) = cause {
        if err.is::<TooSlow>() {
            return true;
        }
        cause = err.source();
    }
    false
}

/// All of a body, if it is not too large.
pub(super) fn whole(body: Body) -> Result<Bytes, Rejection> {
    body.map_err(|rejection| {
        if came_too_slowly(&rejection) {
            let message = "The body did not come in time: at least 1 KiB a second is expected.";
            return Rejection::with_status(StatusCode::REQUEST_TIMEOUT, ErrorCode::BadUserInput, message);
        }
        let message = "The body could not be read; it may be larger than the server reads.";
        Rejection::with_status(rejection.status(), ErrorCode::BadUserInput, message)
    })
}
