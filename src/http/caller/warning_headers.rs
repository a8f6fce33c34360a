//! `Deprecation`, `Sunset` and `X-Token-Rotate-By`, for a client whose value, or whose token, soon stops working.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::rule::lifecycle::Standing;
use crate::domain::rule::lifecycle::due_soon::Warnings;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");
const ROTATE_BY: HeaderName = HeaderName::from_static("x-token-rotate-by");

/// For a client that still uses the previous value: since when there is a newer one (`Deprecation`, RFC 9745), and until when the
/// previous one works (`Sunset`, RFC 8594). For a client whose token must be rotated soon: until when (R16).
pub(crate) fn warn(headers: &mut HeaderMap, warnings: Option<Warnings>) {
    let Some(Warnings { standing, rotate_soon_by }) = warnings else { return };
    if let Standing::Previous { replaced_at, retires_at } = standing {
        insert(headers, DEPRECATION, Some(format!("@{}", replaced_at.unix_seconds())));
        insert(headers, SUNSET, retires_at.map(|retires_at| retires_at.http_date()));
    }
    insert(headers, ROTATE_BY, rotate_soon_by.map(|rotate_by| rotate_by.to_string()));
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: Option<String>) {
    if let Some(Ok(value)) = text.map(HeaderValue::try_from) {
        headers.insert(name, value);
    }
}
