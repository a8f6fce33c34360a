//! What was done with a page of API tokens.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::refusal::Refusal;
use crate::http::rest::page::PageInfo;
use crate::http::rest::token::ApiToken;
use crate::service::{ErrorCode, Revocations, View};

/// What was done with a page of API tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenRevocationPage)]
pub(in crate::http::rest) struct RevocationPage {
    /// One for each API token that matches, oldest first.
    data: Vec<ApiTokenRevocation>,
    /// Where these are among all that match.
    page_info: PageInfo,
}

/// What happened to one API token of several. In a dry run: what would happen.
#[derive(Serialize, ToSchema)]
#[schema(as = APITokenRevocation)]
struct ApiTokenRevocation {
    /// The API token.
    token: ApiToken,
    /// Why it was not revoked; null if it was.
    #[schema(required, value_type = Option<ErrorCode>)]
    refusal: Option<&'static str>,
    /// Why it was not revoked, and what to do, for people; null if it was.
    #[schema(required)]
    message: Option<String>,
}

impl From<Revocations> for RevocationPage {
    fn from(Revocations { page, refusals }: Revocations) -> Self {
        let page_info = PageInfo::of(&page);
        let revocation = |(view, refusal): (View, Option<Refusal>)| ApiTokenRevocation {
            token: view.into(),
            refusal: refusal.as_ref().map(|refusal| refusal.code().as_str()),
            message: refusal.map(|refusal| refusal.to_string()),
        };
        Self { data: page.views.into_iter().zip(refusals).map(revocation).collect(), page_info }
    }
}
