//! The form parameters of an introspection request.

use std::borrow::Cow;

use crate::domain::restriction::Source;
use crate::domain::rule::verification::RequiredScopes;
use crate::http::rejection::Rejection;
use crate::service::Error;

/// The parameters. Unknown ones are ignored (RFC 6749, section 3.2), and so is `token_type_hint`.
pub(crate) struct Form<'a> {
    pub(crate) token: Cow<'a, str>,
    scope: Option<Cow<'a, str>>,
    address: Option<Cow<'a, str>>,
    origin: Option<Cow<'a, str>>,
    /// Whether the form contains a `client_secret`.
    pub(crate) has_client_secret: bool,
}

impl<'a> Form<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Rejection> {
        let (mut token, mut scope, mut address, mut origin) = (None, None, None, None);
        let (mut client_id, mut client_secret) = (None, None);
        for (name, value) in url::form_urlencoded::parse(body) {
            let (field, name) = match &*name {
                "token" => (&mut token, "token"),
                "rotakey_scope" => (&mut scope, "rotakey_scope"),
                "rotakey_address" => (&mut address, "rotakey_address"),
                "rotakey_origin" => (&mut origin, "rotakey_origin"),
                "client_id" => (&mut client_id, "client_id"),
                "client_secret" => (&mut client_secret, "client_secret"),
                _ => continue,
            };
            if field.replace(value).is_some() {
                return Err(Rejection::repeated("parameter", name));
            }
        }
        // A parameter without a value counts as missing (RFC 6749, section 3.2).
        let token = token.filter(|token| !token.is_empty());
        let token =
            token.ok_or_else(|| Rejection::field("token", "The parameter token must hold the value to verify."))?;
        let has_client_secret = client_secret.is_some_and(|secret| !secret.is_empty());
        Ok(Self { token, scope, address, origin, has_client_secret })
    }

    /// The scopes that the value must have, and where it was presented.
    pub(crate) fn asked(&self) -> Result<(RequiredScopes, Source), Error> {
        let required = match &self.scope {
            // An empty list is rejected: a client that sends the parameter wants to require something.
            Some(text) => RequiredScopes::parse("rotakey_scope", text.split(' '))?,
            None => RequiredScopes::default(),
        };
        let origin = self.origin.as_deref().map(str::to_owned);
        Ok((required, Source::reported("rotakey_address", self.address.as_deref(), origin)?))
    }
}
