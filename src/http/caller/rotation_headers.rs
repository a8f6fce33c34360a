//! The headers of rotation: `Idempotency-Key` in requests, and `Deprecation` and `Sunset` in responses.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::rule::lifecycle::Standing;
use crate::http::rejection::Rejection;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");
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

/// For a client that still uses the previous value: since when there is a newer one (`Deprecation`, RFC 9745), and until when the
/// previous one works (`Sunset`, RFC 8594).
pub(crate) fn warn_of_retirement(headers: &mut HeaderMap, standing: Option<Standing>) {
    let Some(Standing::Previous { replaced_at, retires_at }) = standing else { return };
    let deprecation = Some(format!("@{}", replaced_at.unix_seconds()));
    let sunset = retires_at.map(|retires_at| retires_at.http_date());
    for (name, text) in [(DEPRECATION, deprecation), (SUNSET, sunset)] {
        if let Some(Ok(value)) = text.map(HeaderValue::try_from) {
            headers.insert(name, value);
        }
    }
}
