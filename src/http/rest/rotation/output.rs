//! What was done with a page of API tokens that were to be rotated.

use serde::Serialize;
use utoipa::ToSchema;

use crate::graphql::log_and_describe;
use crate::http::rest::page::PageInfo;
use crate::http::rest::token::ApiToken;
use crate::service::{ErrorCode, RotationOutcome, Rotations};

/// What was done with a page of API tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenRotationPage)]
pub(in crate::http::rest) struct RotationPage {
    /// One for each API token that matches, oldest first.
    data: Vec<ApiTokenRotation>,
    /// Where these are among all that match.
    page_info: PageInfo,
}

/// What happened to one API token of several. In a dry run: what would happen.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenRotation)]
struct ApiTokenRotation {
    /// The API token, with its new value if it was rotated.
    token: ApiToken,
    /// The generation of the unused value that this rotation cancelled, because its response was lost or you rotated twice. Null if none
    /// was cancelled. A cancelled value does not work.
    #[schema(required)]
    cancelled_generation: Option<u32>,
    /// Why it was not rotated; null if it was.
    #[schema(required, value_type = Option<ErrorCode>)]
    refusal: Option<&'static str>,
    /// Why it was not rotated, and what to do, for people; null if it was.
    #[schema(required)]
    message: Option<String>,
    /// If it was not rotated: after how many seconds the same request may succeed; null if that is not known.
    #[schema(required)]
    retry_after_seconds: Option<u32>,
}

impl From<RotationOutcome> for ApiTokenRotation {
    fn from(outcome: RotationOutcome) -> Self {
        let (token, cancelled_generation, refused) = match outcome {
            RotationOutcome::Rotated(issued) => {
                let cancelled_generation = issued.cancelled_generation;
                (ApiToken::from(issued), cancelled_generation, None)
            }
            RotationOutcome::WouldRotate(view) => (view.into(), None, None),
            RotationOutcome::Refused(view, err) => (view.into(), None, Some(log_and_describe(&err))),
        };
        Self {
            token,
            cancelled_generation,
            refusal: refused.as_ref().map(|refused| refused.code.as_str()),
            retry_after_seconds: refused.as_ref().and_then(|refused| refused.retry_after_seconds),
            message: refused.map(|refused| refused.message),
        }
    }
}

impl From<Rotations> for RotationPage {
    fn from(Rotations { page, outcomes }: Rotations) -> Self {
        let page_info = PageInfo::of(&page);
        Self { data: outcomes.into_iter().map(ApiTokenRotation::from).collect(), page_info }
    }
}
