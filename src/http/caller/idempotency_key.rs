//! `Idempotency-Key`: the caller's name for a rotation, by which a repeated request gets the same answer (R6).

use axum::http::{HeaderMap, HeaderName};

use crate::http::rejection::Rejection;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The idempotency key of a rotation, from the header. Its IETF draft makes it a quoted string, but most clients omit the quotes.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Rejection> {
    let mut lines = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = lines.next() else { return Ok(None) };
    if lines.any(|other| other != value) {
        return Err(Rejection::field(
            "Idempotency-Key",
            "The Idempotency-Key header contains different keys. Send one.",
        ));
    }
    let Ok(text) = value.to_str() else {
        return Err(Rejection::field("Idempotency-Key", "The Idempotency-Key header must be printable ASCII."));
    };
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    Ok(Some(quoted.unwrap_or(text).to_owned()))
}
