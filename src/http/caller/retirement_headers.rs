//! `Deprecation` and `Sunset`, for a client that still uses the previous value.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::rule::lifecycle::Standing;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

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
