//! Request bodies in JSON: reading them up to a limit, and parsing them.

use std::error::Error;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::http::rejection::Rejection;
use crate::http::server::TooSlow;
use crate::service::ErrorCode;

use super::media_type;
use super::unique_names::UniqueNames;

/// A body as it was read from the connection.
pub(crate) type Body = Result<Bytes, BytesRejection>;

/// Reads a body of up to `max_bytes`, for endpoints outside of axum's router.
pub(crate) async fn read(mut request: Request, max_bytes: usize) -> Body {
    DefaultBodyLimit::max(max_bytes).apply(&mut request);
    Bytes::from_request(request, &()).await
}

impl From<Unread> for Rejection {
    fn from(unread: Unread) -> Self {
        Self::new(ErrorCode::BadUserInput, unread.message())
    }
}

/// The maximum number of values in one body, including lists, objects and their fields. Parsed, a value can take a hundred times the
/// memory of its text. No legitimate request has a tenth of this.
const MAX_VALUES: usize = 20_000;

/// Some clients send it before JSON.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a text could not be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    NotJson,
    TooManyValues,
}

impl Unread {
    /// The message for the client. That of the parser is not passed on: it may quote the body, which may contain a value (R9).
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::NotJson => {
                "The body is not valid JSON, is nested too deeply, or contains a number that is too large."
            }
            Self::TooManyValues => "The body contains more than 20,000 JSON values. Send several requests.",
        }
    }
}

/// Reads a text as JSON. A byte order mark before it is skipped (RFC 8259, section 8.1).
pub(crate) fn parse<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, Unread> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    // There are no more values than bytes.
    if text.len() > MAX_VALUES && values(text) > MAX_VALUES {
        return Err(Unread::TooManyValues);
    }
    serde_json::from_slice(text).map_err(|_| Unread::NotJson)
}

/// An upper bound of the number of values: each is the first of its list or object, or follows a comma.
fn values(text: &[u8]) -> usize {
    let (mut values, mut in_string, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => values += 1,
            _ => {}
        }
    }
    values
}

/// The first byte of a JSON text, which says what it is: `{` begins an object, `[` a list.
pub(crate) fn first_byte(text: &[u8]) -> Option<u8> {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim_ascii_start().first().copied()
}

/// The fields of a body that must be a JSON object.
pub(crate) fn object(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Rejection> {
    media_type::must_be_json(headers)?;
    let body = whole(body)?;
    parse::<UniqueNames>(&body)?.fields("field")
}

/// Like [`object`], but a missing body is `{}` and needs no media type.
pub(crate) fn object_if_any(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Rejection> {
    match body {
        Ok(bytes) if bytes.is_empty() => Ok(Map::new()),
        body => object(headers, body),
    }
}

/// Whether the body arrived too slowly: whether a cause of the rejection is [`TooSlow`].
fn is_too_slow(rejection: &BytesRejection) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(rejection);
    while let Some(err) = cause {
        if err.is::<TooSlow>() {
            return true;
        }
        cause = err.source();
    }
    false
}

/// The complete body, if it is not too large.
pub(crate) fn whole(body: Body) -> Result<Bytes, Rejection> {
    body.map_err(|rejection| {
        if is_too_slow(&rejection) {
            let message = "The body did not arrive in time. Send at least 1 KiB a second.";
            return Rejection::with_status(StatusCode::REQUEST_TIMEOUT, ErrorCode::BadUserInput, message);
        }
        let message = "The body could not be read; it may be larger than the server reads.";
        Rejection::with_status(rejection.status(), ErrorCode::BadUserInput, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_strings() {
        for (text, count) in
            [("0", 0), ("[0]", 1), ("[0,[],{}]", 5), (r#"{"a":"[{,","b":"\"[","c":"\\"}"#, 3), ("[[[", 3)]
        {
            assert_eq!(values(text.as_bytes()), count, "{text}");
        }
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let list = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        assert!(parse::<Value>(list(MAX_VALUES).as_bytes()).is_ok());
        assert_eq!(parse::<Value>(list(MAX_VALUES + 1).as_bytes()).unwrap_err(), Unread::TooManyValues);
        assert_eq!(parse::<Value>("\u{feff}[1]".as_bytes()), Ok(serde_json::json!([1])));
        assert_eq!(parse::<Value>("\u{feff}\u{feff}[1]".as_bytes()), Err(Unread::NotJson));
    }
}
