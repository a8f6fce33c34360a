//! `revokeAPITokens`: its input and its output.

use async_graphql::{InputObject, SimpleObject};

use crate::domain::listing::Order;
use crate::domain::reason::ReasonDraft;
use crate::domain::refusal::Refusal;
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::service::{Error, PageRequest, Revocations, RevokeManyRequest, View};

use crate::graphql::schema::types::leaf::error_code::ErrorCode;
use crate::graphql::schema::types::page_info::PageInfo;
use crate::graphql::schema::types::token::api_token::ApiToken;
use crate::graphql::schema::types::token::input::ApiTokenFilter;

/// Which API tokens to revoke.
#[derive(InputObject)]
#[graphql(name = "RevokeAPITokensInput")]
pub(crate) struct RevokeApiTokensInput {
    /// Which API tokens: at least one condition, and no empty text. Those that are revoked already are left out.
    filter: ApiTokenFilter,
    /// Whether to change nothing, and only say what would be done. Begin with true.
    dry_run: bool,
    /// How many, 1 to 200; 25 if left out.
    first: Option<i32>,
    /// Only API tokens after this cursor: the `endCursor` of the answer before.
    after: Option<String>,
    /// Why, for the audit log: one line of 1 to 255 characters.
    reason: Option<String>,
    /// Where the evidence is, for the audit log: an address with `https` or `http`, of at most 2,000 characters, without a
    /// name and a password.
    #[graphql(name = "evidenceURL")]
    evidence_url: Option<String>,
}

impl RevokeApiTokensInput {
    /// The request for the use case.
    ///
    /// # Errors
    /// When a condition is invalid, or an id malformed.
    pub(crate) fn read(self) -> Result<RevokeManyRequest, Error> {
        let Self { filter, dry_run, first, after, reason, evidence_url } = self;
        let filter = filter.read()?;
        let page = PageRequest { first, after, last: None, before: None, filter, order: Order::default() };
        Ok(RevokeManyRequest { page, dry_run, reason: ReasonDraft { text: reason, evidence_url } })
    }
}

/// The answer to `revokeAPITokens`.
#[derive(SimpleObject)]
#[graphql(name = "RevokeAPITokensOutput", serial)]
pub(crate) struct RevokeApiTokensOutput {
    /// One for each API token that the filter matches, oldest first.
    revocations: ReadyList<Ready<ApiTokenRevocation>>,
    /// Where these are among all that match. As long as `hasNextPage` is true, repeat the request with `endCursor` as `after`.
    page_info: Ready<PageInfo>,
}

/// What happened to one API token of several. In a dry run: what would happen.
#[derive(SimpleObject)]
#[graphql(name = "APITokenRevocation", serial)]
pub(crate) struct ApiTokenRevocation {
    /// The API token.
    token: Ready<ApiToken>,
    /// Why it was not revoked; null if it was.
    refusal: Option<ErrorCode>,
    /// Why it was not revoked, and what to do, for people; null if it was.
    message: Option<String>,
}

impl From<Revocations> for RevokeApiTokensOutput {
    fn from(Revocations { page, refusals }: Revocations) -> Self {
        let page_info = PageInfo::of(&page);
        let revocation = |(view, refusal): (View, Option<Refusal>)| {
            ApiTokenRevocation {
                token: ApiToken::from(view).into(),
                refusal: refusal.as_ref().map(|refusal| refusal.code().into()),
                message: refusal.map(|refusal| refusal.to_string()),
            }
            .into()
        };
        Self {
            revocations: page.views.into_iter().zip(refusals).map(revocation).collect(),
            page_info: page_info.into(),
        }
    }
}
