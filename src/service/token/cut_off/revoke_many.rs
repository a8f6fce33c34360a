//! `revokeAPITokens`: revoking all tokens that match a filter, a page at a time.

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::domain::reason::ReasonDraft;
use crate::domain::refusal::Refusal;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle::{self, Status};
use crate::domain::token::{Permission, Token};
use crate::service::{Caller, Connection, Error, PageRequest, Service};

/// How many are revoked at the same time, so that a page does not take all connections to the database. The mutations of a document run
/// one after the other.
const AT_THE_SAME_TIME: usize = 8;

/// Which tokens to revoke, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevokeManyRequest {
    /// The page of tokens. Tokens that are revoked already are left out.
    pub page: PageRequest,
    /// Whether to change nothing, and only say what would be done.
    pub dry_run: bool,
    /// Why, for the audit log.
    pub reason: ReasonDraft,
}

/// What was done with a page of tokens.
#[derive(Debug)]
pub struct Revocations {
    /// The page, with the tokens as they are now.
    pub page: Connection,
    /// Why the token at the same place of the page was not revoked; `None` if it was.
    pub refusals: Vec<Option<Refusal>>,
}

impl Service {
    /// Revokes the tokens of a page, each as [`Service::revoke`] does, with an event each in the audit log. Needs `API_TOKEN_READ` and
    /// `API_TOKEN_MODIFY`. The caller's own token is never revoked: without it, the pages that follow could not be asked for.
    ///
    /// If a request fails, some of its tokens may be revoked. The same request goes on with the others.
    ///
    /// # Errors
    /// When the caller may not, the page or the reason is invalid, the filter has no condition, or the database fails.
    pub async fn revoke_many(&self, caller: &Caller, request: RevokeManyRequest) -> Result<Revocations, Error> {
        let RevokeManyRequest { mut page, dry_run, reason } = request;
        reason.clone().validate()?;
        page.filter = page.filter.for_change(&[Status::Revoked])?;
        let own = self.own_token(caller, self.now()).await?;
        let authority = Authority::of(&own);
        authority.require(Permission::ApiTokenModify)?;
        let mut page = self.list(caller, page).await?;
        let (authority, reason) = (&authority, &reason);
        let outcomes = std::mem::take(&mut page.views).into_iter().map(|view| async move {
            if let Err(refusal) = check(authority, &view.token) {
                return Ok((view, Some(refusal)));
            }
            if dry_run {
                return Ok((view, None));
            }
            match self.revoke(caller, &view.token.id.to_string(), reason.clone()).await {
                Ok(revoked) => Ok((revoked, None)),
                Err(Error::Refused(refusal)) if is_of_target(&refusal) => Ok((view, Some(refusal))),
                Err(err) => Err(err),
            }
        });
        let outcomes: Vec<_> = stream::iter(outcomes).buffered(AT_THE_SAME_TIME).try_collect().await?;
        let (views, refusals) = outcomes.into_iter().unzip();
        page.views = views;
        Ok(Revocations { page, refusals })
    }
}

/// The rules of a revocation, as far as the listed token can tell. They are checked again where it is revoked.
fn check(authority: &Authority<'_>, token: &Token) -> Result<(), Refusal> {
    if authority.is_of(token.id) {
        return Err(Refusal::Forbidden("A filter does not revoke your own API token. Revoke it by its id.".to_owned()));
    }
    authority.require_to_cut_off(token)?;
    lifecycle::revoke(token).map(drop)
}

/// Whether it says why this token may not be revoked. Any other says why the caller's own no longer works, such as that it was revoked
/// meanwhile: of the token that was to be revoked, that would be false.
fn is_of_target(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Forbidden(_) | Refusal::TokenProtected)
}
