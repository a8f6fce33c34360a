//! Finding the credential of a request: `X-API-Key: VALUE` or `Authorization: Bearer VALUE` (RFC 6750, section 2.1).

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};

pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Why a request has no one credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Two different values were sent.
    Ambiguous,
    /// Something was sent that is not a credential of ours.
    Unreadable,
}

/// The value presented, if any. The same value twice is one value; an empty header is as good as none.
pub(super) fn find(headers: &HeaderMap) -> Result<Option<&str>, Unusable> {
    let keys = headers.get_all(API_KEY).iter().map(|value| value.to_str().map_err(|_| Unusable::Unreadable));
    let bearers = headers.get_all(AUTHORIZATION).iter().map(|value| {
        let text = value.to_str().map_err(|_| Unusable::Unreadable)?;
        let (scheme, value) = text.split_once(' ').ok_or(Unusable::Unreadable)?;
        if scheme.eq_ignore_ascii_case("bearer") { Ok(value) } else { Err(Unusable::Unreadable) }
    });
    let mut found = None;
    for value in keys.chain(bearers) {
        let value = value?.trim();
        match found {
            _ if value.is_empty() => {}
            None => found = Some(value),
            Some(other) if other == value => {}
            Some(_) => return Err(Unusable::Ambiguous),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn one_value_is_found_wherever_it_is() {
        for pairs in [
            &[("x-api-key", "v")][..],
            &[("authorization", "Bearer v")],
            &[("authorization", "bearer  v ")],
            &[("x-api-key", "v"), ("authorization", "BEARER v")],
            &[("x-api-key", ""), ("authorization", "Bearer v")],
        ] {
            assert_eq!(find(&headers(pairs)), Ok(Some("v")), "{pairs:?}");
        }
        assert_eq!(find(&headers(&[])), Ok(None));
        assert_eq!(find(&headers(&[("x-api-key", " ")])), Ok(None));
    }

    #[test]
    fn two_values_or_another_scheme_are_refused() {
        let two = [("x-api-key", "v"), ("authorization", "Bearer w")];
        assert_eq!(find(&headers(&two)), Err(Unusable::Ambiguous));
        for scheme in ["Basic v", "v", ""] {
            assert_eq!(find(&headers(&[("authorization", scheme)])), Err(Unusable::Unreadable), "{scheme}");
        }
    }
}
