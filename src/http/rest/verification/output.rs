//! The results of verifying many values.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::rule::verification::VerificationCode;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Scope;
use crate::http::rest::token::ApiToken;
use crate::service::Verification;

/// The results of verifying values.
#[derive(Serialize, ToSchema)]
#[schema(as = APITokenVerifications)]
pub(in crate::http::rest) struct Verifications {
    /// One result for each input, in the order of the inputs.
    verifications: Vec<ApiTokenVerification>,
}

/// The result of verifying a value.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenVerification)]
struct ApiTokenVerification {
    /// Whether the value is valid and has all required scopes: true if `code` is `VALID`.
    valid: bool,
    /// The result.
    #[schema(value_type = VerificationCode)]
    code: &'static str,
    /// The API token to which the value belongs or belonged, even if the value is not valid; null if there is none.
    #[schema(required)]
    token: Option<ApiToken>,
    /// The generation of the value; null if no API token has or had it.
    #[schema(required)]
    generation: Option<u32>,
    /// When the value stops working because a newer one has replaced it. Null for the current value, before the overlap has started, and
    /// for a value that does not work.
    #[schema(required, value_type = Option<Timestamp>)]
    retires_at: Option<String>,
    /// The required scopes that the API token lacks; empty if the value itself is not valid.
    missing_scopes: Vec<String>,
}

impl From<Vec<Verification>> for Verifications {
    fn from(verifications: Vec<Verification>) -> Self {
        Self { verifications: verifications.into_iter().map(ApiTokenVerification::from).collect() }
    }
}

impl From<Verification> for ApiTokenVerification {
    fn from(verification: Verification) -> Self {
        Self {
            valid: verification.is_valid(),
            code: verification.code.as_str(),
            generation: verification.generation,
            retires_at: verification.retires_at().map(|at| at.to_string()),
            missing_scopes: verification.missing_scopes.iter().map(Scope::to_string).collect(),
            token: verification.token.map(ApiToken::from),
        }
    }
}
