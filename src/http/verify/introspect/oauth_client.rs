//! Client authentication at `/introspect`: as at every other endpoint, or with an id and a secret in HTTP Basic or in the form (RFC
//! 6749, section 2.3.1). The secret is the value of an API token.

use std::borrow::Cow;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

use crate::domain::id::TokenId;
use crate::domain::value::foreign::ForeignFormats;
use crate::http::caller::credential::{self, Credential, Place};
use crate::http::rejection::Rejection;
use crate::service::{Error, ErrorCode};

/// Some clients omit the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The id and the secret of a client.
pub(crate) struct ClientSecret<'a> {
    id: Cow<'a, str>,
    secret: Cow<'a, str>,
    place: Place,
}

/// A credential, with the client id if it is a client secret.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    pub(crate) credential: Credential<'a>,
    client_id: Option<&'a str>,
}

impl<'a> ClientSecret<'a> {
    /// From HTTP Basic. If it cannot be decoded, id and secret are empty, which is refused like any other bad credential.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Option<ClientSecret<'static>> {
        let lines = headers.get_all(AUTHORIZATION).iter().filter_map(|value| value.to_str().ok());
        let mut basic = lines.filter_map(|line| {
            let (scheme, text) = line.trim().split_once([' ', '\t'])?;
            scheme.eq_ignore_ascii_case("basic").then_some(text)
        });
        let (id, secret) = decoded(basic.next()?.trim()).unwrap_or_default();
        Some(ClientSecret { id: id.into(), secret: secret.into(), place: Place::Basic })
    }

    /// From the parameters of a form.
    pub(crate) fn of_form(form: &'a [u8]) -> Option<Self> {
        let parameter = |name| url::form_urlencoded::parse(form).find(|(found, _)| found == name).map(|(_, text)| text);
        let secret = parameter("client_secret").filter(|secret| !secret.is_empty())?;
        Some(Self { id: parameter("client_id").unwrap_or_default(), secret, place: Place::ClientSecret })
    }

    fn presented(&self) -> Presented<'_> {
        let credential = Credential { text: &self.secret, place: self.place };
        Presented { credential, client_id: Some(&self.id) }
    }
}

/// The id and the secret, each form-encoded before they are joined (RFC 6749, section 2.3.1).
fn decoded(text: &str) -> Option<(String, String)> {
    let bytes = BASE64.decode(text).ok()?;
    let (id, secret) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(Cow::into_owned);
    Some((decode(id)?, decode(secret)?))
}

/// The credential of the client, in whichever way it was sent.
///
/// # Errors
/// When there are several (RFC 6749, section 2.3), or the credential is malformed.
pub(crate) fn find<'a>(
    headers: &'a HeaderMap,
    formats: &ForeignFormats,
    basic: Option<&'a ClientSecret<'_>>,
    form: Option<&'a ClientSecret<'_>>,
) -> Result<Option<Presented<'a>>, Rejection> {
    let secrets = [basic, form].map(|secret| secret.map(ClientSecret::presented));
    let header = match credential::find(headers, formats) {
        Ok(found) => found.map(|credential| Presented { credential, client_id: None }),
        // The header may contain HTTP Basic.
        Err(credential::UnusableCredential::Foreign(_) | credential::UnusableCredential::WithoutScheme)
            if secrets.iter().any(Option::is_some) =>
        {
            None
        }
        Err(unusable) => return Err(unusable.into()),
    };
    let ways = [header, secrets[0], secrets[1]];
    let mut usable = ways.iter().flatten().filter(|way| way.can_be_good(formats));
    match (usable.next(), usable.next()) {
        (Some(_), Some(_)) => Err(Rejection::new(ErrorCode::BadUserInput, SEVERAL_METHODS)),
        (Some(one), None) => Ok(Some(*one)),
        (None, _) => Ok(ways.into_iter().flatten().next()),
    }
}

const SEVERAL_METHODS: &str = "The request authenticates in more than one way. Use one of them: X-API-Key, Authorization: Bearer, \
                        Authorization: Basic, or client_secret in the form.";

impl Presented<'_> {
    /// Whether this could be the value of a token.
    pub(crate) fn can_be_good(&self, formats: &ForeignFormats) -> bool {
        credential::can_be_a_value(self.credential.text, formats)
    }

    /// Checks the client id against the id of the token that authenticated. A client may use any id, but if it is the id of a token, it
    /// must be this one.
    ///
    /// # Errors
    /// When the client id is the id of another token.
    pub(crate) fn must_name(&self, token: TokenId) -> Result<(), Rejection> {
        match self.client_id.and_then(TokenId::parse) {
            Some(id) if id != token => {
                let message =
                    "The client_id is the id of one API token, and the client_secret is the value of another.";
                Err(Rejection::from(Error::Unauthenticated).with_message(message.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of_header(text: &str) -> Option<(String, String)> {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(text).unwrap())]);
        ClientSecret::of_headers(&headers).map(|it| (it.id.into_owned(), it.secret.into_owned()))
    }

    #[test]
    fn basic_is_decoded_twice() {
        for (text, id, secret) in [
            ("Basic YTpi", "a", "b"),
            ("basic  YTpi ", "a", "b"),
            ("BASIC\tYTpi", "a", "b"),
            ("Basic OmI=", "", "b"),
            ("Basic OmI", "", "b"),
            ("Basic YTpiOmM=", "a", "b:c"),
            // a%3Ab+c:d%2Fe%C3%A9
            ("Basic YSUzQWIrYzpkJTJGZSVDMyVBOQ==", "a:b c", "d/e\u{e9}"),
            ("Basic YTo=", "a", ""),
        ] {
            assert_eq!(of_header(text), Some((id.to_owned(), secret.to_owned())), "{text}");
        }
        for unreadable in ["Basic YQ==", "Basic ?", "Basic /w==", "Basic YTolRkY="] {
            assert_eq!(of_header(unreadable), Some(Default::default()), "{unreadable}");
        }
        for other in ["Bearer YTpi", "Basic", "YTpi", ""] {
            assert_eq!(of_header(other), None, "{other}");
        }
    }
}
