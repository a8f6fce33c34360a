//! `verifyAPIToken` and `verifyAPITokens`: their input and their output.

use async_graphql::{InputObject, SimpleObject};

use crate::domain::token::Scope;
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::graphql::schema::types::leaf::date_time::DateTime;
use crate::graphql::schema::types::leaf::enums::VerificationCode;
use crate::graphql::schema::types::leaf::int::int;
use crate::service::{Error, Verification, VerifyRequest};

use super::api_token::ApiToken;

/// A value that a client sent you, and what it must be valid for.
#[derive(InputObject)]
#[graphql(name = "VerifyAPITokenInput")]
pub(crate) struct VerifyApiTokenInput {
    /// The value as the client sent it. Send it as a variable.
    value: String,
    /// The scopes that the API token must have, one per item, at most 100; none if left out.
    required_scopes: Option<Vec<String>>,
    /// The address of the client that sent the value. If left out, an API token that is restricted to networks is
    /// refused.
    address: Option<String>,
    /// The `Origin` header that came with the value. If left out, an API token that is restricted to web origins is
    /// refused.
    origin: Option<String>,
}

impl VerifyApiTokenInput {
    pub(crate) fn read(self) -> Result<VerifyRequest, Error> {
        VerifyRequest::parse(self.value, self.required_scopes.as_deref(), self.address.as_deref(), self.origin)
    }
}

/// The result of verifying a value.
#[derive(SimpleObject)]
#[graphql(name = "APITokenVerification", serial)]
pub(crate) struct ApiTokenVerification {
    /// Whether the value is valid and has all required scopes: true if `code` is `VALID`.
    valid: bool,
    /// The result.
    code: VerificationCode,
    /// The API token to which the value belongs or belonged, even if the value is not valid; null if there is none.
    token: Option<Ready<ApiToken>>,
    /// The generation of the value; null if no API token has or had it.
    generation: Option<i32>,
    /// When the value retires because a newer one has replaced it. Null for the current value, before the
    /// overlap has started, and for a value that does not work.
    retires_at: Option<DateTime>,
    /// The required scopes that the API token lacks; empty if the value itself is not valid.
    missing_scopes: ReadyList<String>,
}

impl From<Verification> for ApiTokenVerification {
    fn from(verification: Verification) -> Self {
        Self {
            valid: verification.is_valid(),
            code: verification.code.into(),
            generation: verification.generation.map(int),
            retires_at: verification.retires_at().map(DateTime),
            missing_scopes: verification.missing_scopes.iter().map(Scope::to_string).collect(),
            token: verification.token.map(|view| ApiToken::from(view).into()),
        }
    }
}
