//! Finding the credential of a request: `X-API-Key: VALUE` or `Authorization: Bearer VALUE` (RFC 6750, section 2.1).
//!
//! The same headers may contain a credential for another system, such as a JWT for the API behind a gateway. So a text that cannot be a
//! value is ignored beside one that can. Alone, it is a bad credential; the request is never treated as anonymous.
//!
//! A text that only has the form of a foreign value is less certain than one with our checksum, and gives way to it. Such values keep
//! the scheme that their clients send, such as `Authorization: Token VALUE`.

use std::fmt;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::value::PresentedValue;
use crate::domain::value::foreign::ForeignFormats;

pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The registered schemes of `Authorization`. A scheme alone is no credential.
const SCHEMES: [&str; 14] = [
    "Bearer",
    "Basic",
    "Concealed",
    "Digest",
    "DPoP",
    "GNAP",
    "HOBA",
    "Mutual",
    "Negotiate",
    "OAuth",
    "PrivateToken",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "vapid",
];

/// Where a credential was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    ApiKey,
    Authorization,
    /// The secret of an OAuth client, in HTTP Basic.
    Basic,
    /// The secret of an OAuth client, in a form.
    ClientSecret,
}

impl Place {
    /// Whether an OAuth client authenticates with an id and a secret.
    pub(crate) fn is_of_client(self) -> bool {
        matches!(self, Self::Basic | Self::ClientSecret)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKey => "the X-API-Key header",
            Self::Authorization | Self::Basic => "the Authorization header",
            Self::ClientSecret => "the parameter client_secret",
        })
    }
}

/// A text that was sent as the value of an API token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Credential<'a> {
    pub(crate) text: &'a str,
    pub(crate) place: Place,
}

impl Credential<'_> {
    /// Whether the text contains a complete value and something around it, such as quotes or the name of a variable.
    pub(crate) fn has_more_than_a_value(&self) -> bool {
        let mut parts = self.text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        parts.any(|part| part.len() < self.text.len() && PresentedValue::parse(part).is_ok())
    }
}

/// Why the credential of a request cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnusableCredential {
    /// Two different values were sent.
    Ambiguous,
    /// The header or parameter does not have the form in which a value is sent.
    Foreign(Place),
    /// `Authorization` contains a value without its scheme.
    WithoutScheme,
}

/// The content of a header.
enum HeaderContent<'a> {
    Empty,
    Text(&'a str),
    /// Text in another form than ours.
    Foreign,
    /// A value without the scheme that must precede it.
    WithoutScheme,
}

/// The credential, if there is one. The same value twice is one value, and an empty header counts as missing.
pub(crate) fn find<'a>(
    headers: &'a HeaderMap,
    formats: &ForeignFormats,
) -> Result<Option<Credential<'a>>, UnusableCredential> {
    let keys = headers.get_all(API_KEY).iter().map(|value| (Place::ApiKey, api_key(value)));
    let bearers =
        headers.get_all(AUTHORIZATION).iter().map(|value| (Place::Authorization, authorization(value, formats)));
    let (mut found, mut unusable): (Option<Credential<'_>>, _) = (None, None);
    for (place, sent) in keys.chain(bearers) {
        let text = match sent {
            HeaderContent::Text(text) => text,
            HeaderContent::Empty => continue,
            HeaderContent::Foreign => {
                unusable.get_or_insert(UnusableCredential::Foreign(place));
                continue;
            }
            HeaderContent::WithoutScheme => {
                unusable.get_or_insert(UnusableCredential::WithoutScheme);
                continue;
            }
        };
        let other = Credential { text, place };
        found = match found {
            None => Some(other),
            Some(first) if first.text == text => found,
            Some(first) => match (likeness(first.text, formats), likeness(text, formats)) {
                (Likeness::Other, Likeness::Other) => found,
                (one, another) if one == another => return Err(UnusableCredential::Ambiguous),
                (one, another) => Some(if another > one { other } else { first }),
            },
        };
    }
    match (found, unusable) {
        (None, Some(unusable)) => Err(unusable),
        (found, _) => Ok(found),
    }
}

/// How much a text looks like the value of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    Other,
    /// It has the form of a foreign value, as credentials of other systems may.
    Foreign,
    /// It has our checksum.
    Ours,
}

fn likeness(text: &str, formats: &ForeignFormats) -> Likeness {
    match formats.present(text) {
        None => Likeness::Other,
        Some(value) if value.is_foreign => Likeness::Foreign,
        Some(_) => Likeness::Ours,
    }
}

/// Whether this could be the value of a token. The checksum distinguishes it from similar credentials of other systems.
pub(crate) fn can_be_a_value(text: &str, formats: &ForeignFormats) -> bool {
    likeness(text, formats) > Likeness::Other
}

fn api_key(value: &HeaderValue) -> HeaderContent<'_> {
    match value.to_str().map(str::trim) {
        Ok("") => HeaderContent::Empty,
        Ok(text) => HeaderContent::Text(text),
        Err(_) => HeaderContent::Foreign,
    }
}

fn authorization<'a>(value: &'a HeaderValue, formats: &ForeignFormats) -> HeaderContent<'a> {
    let Ok(text) = value.to_str() else { return HeaderContent::Foreign };
    match text.trim().split_once([' ', '\t']) {
        Some((scheme, text)) if scheme.eq_ignore_ascii_case("bearer") => HeaderContent::Text(text.trim_start()),
        Some((scheme, text)) if !is_registered(scheme) && formats.is_foreign(text.trim_start()) => {
            HeaderContent::Text(text.trim_start())
        }
        // The trailing space of `Bearer ` is removed in transit (RFC 9110, section 5.5).
        None if is_scheme_alone(text.trim()) => HeaderContent::Empty,
        None if PresentedValue::parse(text.trim()).is_ok() => HeaderContent::WithoutScheme,
        _ => HeaderContent::Foreign,
    }
}

fn is_scheme_alone(text: &str) -> bool {
    text.is_empty() || is_registered(text)
}

fn is_registered(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::foreign::{Algorithm, ForeignFormat, FormatName};

    /// Two well-formed values, and a credential of another system.
    const VALUE: &str = "rk_00000000000000000000000000000000000000000002gL6Az";
    const OTHER: &str = "rkpub_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";
    const JWT: &str = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn found(pairs: &[(&'static str, &str)]) -> Result<Option<(String, Place)>, UnusableCredential> {
        find(&headers(pairs), &ForeignFormats::default()).map(|found| found.map(|it| (it.text.to_owned(), it.place)))
    }

    fn other() -> String {
        use crate::domain::token::TokenKind;
        use crate::domain::value::Value;
        let value = Value::from_entropy(TokenKind::Public, &[255; 32]);
        assert!(value.expose().starts_with(OTHER));
        value.expose().to_owned()
    }

    #[test]
    fn one_value_is_found_wherever_it_is() {
        use Place::{ApiKey, Authorization};
        for (pairs, place) in [
            (&[("x-api-key", "v")][..], ApiKey),
            (&[("authorization", "Bearer v")], Authorization),
            (&[("authorization", " bearer \t v ")], Authorization),
            (&[("authorization", "Bearer\tv")], Authorization),
            (&[("x-api-key", "v"), ("authorization", "BEARER v")], ApiKey),
            (&[("x-api-key", ""), ("authorization", "Bearer v")], Authorization),
            (&[("x-api-key", " "), ("x-api-key", "v")], ApiKey),
            (&[("x-api-key", "v"), ("authorization", "Bearer")], ApiKey),
        ] {
            assert_eq!(found(pairs), Ok(Some(("v".to_owned(), place))), "{pairs:?}");
        }
    }

    #[test]
    fn an_empty_header_and_a_scheme_alone_are_no_credential() {
        assert_eq!(found(&[]), Ok(None));
        assert_eq!(found(&[("x-api-key", " ")]), Ok(None));
        for nothing in ["", " ", "Bearer", "bearer ", "Bearer  \t", "Basic", "NEGOTIATE", "scram-sha-256"] {
            assert_eq!(found(&[("authorization", nothing)]), Ok(None), "{nothing}");
            assert_eq!(found(&[("authorization", nothing), ("x-api-key", "")]), Ok(None), "{nothing}");
        }
    }

    #[test]
    fn text_in_another_form_is_a_bad_credential_if_it_is_alone() {
        assert_eq!(found(&[("authorization", VALUE)]), Err(UnusableCredential::WithoutScheme));
        for foreign in ["Basic v", "v", "Token v", "Digest a=b, c=d", "Bearer=v", "é", "Bearer é"] {
            let alone = found(&[("authorization", foreign)]);
            assert_eq!(alone, Err(UnusableCredential::Foreign(Place::Authorization)), "{foreign}");
        }
        assert_eq!(found(&[("x-api-key", "é")]), Err(UnusableCredential::Foreign(Place::ApiKey)));
    }

    #[test]
    fn credentials_beside_a_value_are_foreign() {
        let other = other();
        let strange =
            [JWT, "Bearer rk_short", &format!("Bearer {VALUE}x"), "Bearer rk_live_0123", "Basic djp2", "v", "é"];
        for (value, more) in [(VALUE, &strange), (&other, &strange)] {
            for authorization in more {
                let credential = found(&[("authorization", authorization), ("x-api-key", value)]);
                assert_eq!(credential, Ok(Some((value.to_owned(), Place::ApiKey))), "{authorization}");
                let bearer = format!("Bearer {value}");
                let credential = found(&[("authorization", authorization), ("authorization", &bearer)]);
                assert_eq!(credential, Ok(Some((value.to_owned(), Place::Authorization))), "{authorization}");
            }
            for key in ["v", "rk_", &format!("{value}x"), "é"] {
                let credential = found(&[("x-api-key", key), ("authorization", &format!("Bearer {value}"))]);
                assert_eq!(credential, Ok(Some((value.to_owned(), Place::Authorization))), "{key}");
            }
        }
        // If neither could be a value, the first is reported.
        assert_eq!(found(&[("x-api-key", "v"), ("authorization", JWT)]), Ok(Some(("v".to_owned(), Place::ApiKey))));
    }

    #[test]
    fn two_different_values_are_refused_whatever_stands_between_them() {
        let (value, other) = (format!("Bearer {VALUE}"), other());
        for pairs in [
            &[("x-api-key", other.as_str()), ("authorization", value.as_str())][..],
            &[("x-api-key", VALUE), ("x-api-key", &other)],
            &[("x-api-key", "v"), ("x-api-key", &other), ("authorization", JWT), ("authorization", &value)],
        ] {
            assert_eq!(found(pairs), Err(UnusableCredential::Ambiguous), "{pairs:?}");
        }
    }

    #[test]
    fn a_foreign_value_gives_way_to_one_of_ours_and_keeps_its_scheme() {
        use Place::{ApiKey, Authorization};
        let name = FormatName::parse("f").unwrap();
        let format = ForeignFormat::new(name, "f_[a-z]{16}", Algorithm::Sha256, None, None).unwrap();
        let formats = ForeignFormats::new(vec![format]);
        let found = |pairs: &[(&'static str, &str)]| {
            find(&headers(pairs), &formats).map(|found| found.map(|it| (it.text.to_owned(), it.place)))
        };
        let (one, two) = ("f_abcdefghijklmnop", "f_bcdefghijklmnopq");
        let of = |scheme: &str, text: &str| format!("{scheme} {text}");
        for scheme in ["Bearer", "Token", "api-key"] {
            assert_eq!(
                found(&[("authorization", &of(scheme, one))]),
                Ok(Some((one.to_owned(), Authorization))),
                "{scheme}"
            );
        }
        for other in [of("Basic", one), of("Token", VALUE), of("Token", "f_short"), one.to_owned()] {
            let alone = found(&[("authorization", &other)]);
            assert_eq!(alone, Err(UnusableCredential::Foreign(Authorization)), "{other}");
        }
        for (key, authorization, expected) in [
            (VALUE, of("Token", one), Ok(Some((VALUE.to_owned(), ApiKey)))),
            (one, of("Bearer", VALUE), Ok(Some((VALUE.to_owned(), Authorization)))),
            (one, JWT.to_owned(), Ok(Some((one.to_owned(), ApiKey)))),
            ("v", of("Bearer", one), Ok(Some((one.to_owned(), Authorization)))),
            (one, of("Bearer", two), Err(UnusableCredential::Ambiguous)),
        ] {
            assert_eq!(found(&[("x-api-key", key), ("authorization", &authorization)]), expected, "{key}");
        }
    }
}
