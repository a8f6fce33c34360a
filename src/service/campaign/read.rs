//! `rotationCampaign`, `rotationCampaigns` and `rotationCampaignTokens`: campaigns, their progress, and what became of each token.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::error_code::ErrorCode;
use crate::domain::id::{CampaignId, TokenId};
use crate::domain::rule::authority::Authority;
use crate::domain::rule::campaign::{AtDeadline, Campaign, Counts, State, cut_off, state};
use crate::domain::rule::lifecycle::{self, Status};
use crate::domain::token::{Permission, Token};
use crate::service::token::{broken_cursor, end_and_size};
use crate::service::{Caller, Error, Service, View};
use crate::store::Member;

use super::campaign_id;

/// How many tokens one statement reads.
const SLICE: u32 = 5_000;
/// How many such statements a page takes that asks for a state which few tokens have. The next page goes on.
const MAX_SLICES: u32 = 20;

/// A page of campaigns, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignPage {
    /// The campaigns, each with its cursor.
    pub campaigns: Vec<(String, Campaign)>,
    /// Whether there are older ones.
    pub has_next_page: bool,
    /// Whether there may be newer ones.
    pub has_previous_page: bool,
}

/// Which tokens of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CampaignTokenRequest {
    /// How many.
    pub first: Option<i32>,
    /// Only those after this cursor.
    pub after: Option<String>,
    /// Only those with one of these states.
    pub states: Option<Vec<State>>,
}

/// What became of a token of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignToken {
    /// Which token.
    pub token_id: TokenId,
    /// The token as it is now; `None` if there is no such token any more.
    pub view: Option<View>,
    /// Its state: that at the end of the campaign, if that has come.
    pub state: State,
    /// The newest of its generations that is old for the campaign.
    pub old_generation: u32,
    /// Why its old values could not be cut off if the deadline were now, or were not cut off at the deadline.
    pub refusal: Option<ErrorCode>,
}

/// A page of the tokens of a campaign, in the order of their ids, which is that of their creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignTokenPage {
    /// The tokens.
    pub tokens: Vec<CampaignToken>,
    /// Where the next page begins.
    pub end_cursor: Option<String>,
    /// Whether there may be more.
    pub has_next_page: bool,
    /// Whether there may be earlier ones.
    pub has_previous_page: bool,
}

impl Service {
    /// The campaign of this id. Needs `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or there is no such campaign.
    pub async fn campaign(&self, caller: &Caller, id: &str) -> Result<Campaign, Error> {
        self.require_to_read(caller).await?;
        self.store.find_campaign(campaign_id(id)?).await?.ok_or(Error::NoSuchCampaign)
    }

    /// A page of campaigns, newest first. Needs `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or the page is invalid.
    pub async fn campaigns(
        &self,
        caller: &Caller,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<CampaignPage, Error> {
        self.require_to_read(caller).await?;
        let (_, size) = end_and_size(first, None, "campaigns")?;
        let has_previous_page = after.is_some();
        let after = after.map(|text| read_cursor(&text, CampaignId::parse).ok_or_else(|| broken_cursor("after")));
        let mut found = self.store.campaigns(after.transpose()?, size.saturating_add(1)).await?;
        let has_next_page = found.len() > usize::try_from(size).unwrap_or(usize::MAX);
        found.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let campaigns = found.into_iter().map(|campaign| (cursor(campaign.id), campaign)).collect();
        Ok(CampaignPage { campaigns, has_next_page, has_previous_page })
    }

    /// How many tokens of a campaign are in each state: as they are now, or as they were at its end. Needs `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or the database fails.
    pub async fn campaign_progress(&self, caller: &Caller, campaign: &Campaign) -> Result<Counts, Error> {
        self.require_to_read(caller).await?;
        if campaign.end.is_some_and(|end| end.ended_at.is_some()) {
            return Ok(campaign.report.clone());
        }
        let mut counts = self.count_open_campaign(campaign.id).await?;
        if campaign.at_deadline == AtDeadline::Revoke {
            let (creator, now) = (self.store.find_token(campaign.created_by).await?, self.now());
            if creator.is_none_or(|creator| lifecycle::status(&creator, now) != Status::Active) {
                // What was judged when the tokens were added no longer holds.
                counts.refused = counts.left();
            }
        }
        Ok(counts)
    }

    /// Counts the tokens of a campaign by their state, in slices.
    pub(crate) async fn count_open_campaign(&self, id: CampaignId) -> Result<Counts, Error> {
        let now = self.now();
        let (mut counts, mut after) = (Counts::default(), None);
        loop {
            let slice = self.store.count_campaign_members(id, after, SLICE, now).await?;
            let Some(last) = slice.last else { return Ok(counts) };
            slice.counts.into_iter().for_each(|(state, is_refused, count)| counts.add(state, is_refused, count));
            after = Some(last);
        }
    }

    /// A page of the tokens of a campaign. Needs `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, there is no such campaign, or the page is invalid.
    pub async fn campaign_tokens(
        &self,
        caller: &Caller,
        id: &str,
        request: CampaignTokenRequest,
    ) -> Result<CampaignTokenPage, Error> {
        let now = self.now();
        self.require_to_read(caller).await?;
        let CampaignTokenRequest { first, after, states } = request;
        let (_, size) = end_and_size(first, None, "tokens")?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let has_previous_page = after.is_some();
        let after = after.map(|text| read_cursor(&text, TokenId::parse).ok_or_else(|| broken_cursor("after")));
        let mut after = after.transpose()?;
        let campaign = self.store.find_campaign(campaign_id(id)?).await?.ok_or(Error::NoSuchCampaign)?;
        let is_wanted = |member: &Member| states.as_ref().is_none_or(|states| states.contains(&member.state));
        // Without states, one more than the page shows whether there is another.
        let most = if states.is_none() { u32::try_from(size + 1).unwrap_or(SLICE) } else { SLICE };
        let (mut found, mut has_next_page): (Vec<Member>, bool) = (Vec::new(), true);
        for _ in 0..MAX_SLICES {
            let slice = self.store.campaign_members(campaign.id, after, most, now).await?;
            let is_last = slice.len() < usize::try_from(most).unwrap_or(usize::MAX);
            after = slice.last().map(|member| member.token_id).or(after);
            found.extend(slice.into_iter().filter(is_wanted));
            if found.len() > size || is_last {
                has_next_page = found.len() > size;
                break;
            }
        }
        if found.len() > size {
            found.truncate(size);
            after = found.last().map(|member| member.token_id);
        }
        let ids: Vec<_> = found.iter().map(|member| member.token_id).collect();
        let known = self.store.find_tokens(&ids).await?;
        let mut known: BTreeMap<_, _> = known.into_iter().map(|token| (token.id, token)).collect();
        let has_ended = campaign.end.is_some_and(|end| end.ended_at.is_some());
        let revokes = campaign.at_deadline == AtDeadline::Revoke;
        let creator = if has_ended || !revokes { None } else { self.store.find_token(campaign.created_by).await? };
        let of_member = |member: Member| {
            let token = known.remove(&member.token_id);
            // Of the token that is shown, which may have changed since the slice was read.
            let derived = || state(token.as_ref(), member.old_generation, now);
            let refusal = |token: &Token| cut_off(creator.as_ref(), token, member.old_generation, now).err();
            let refusal = || token.as_ref().filter(|_| revokes).and_then(refusal).map(|refusal| refusal.code());
            CampaignToken {
                token_id: member.token_id,
                state: if has_ended { member.state } else { derived() },
                old_generation: member.old_generation,
                refusal: if has_ended { member.refusal } else { refusal() },
                view: token.map(|token| View::new(token, now)),
            }
        };
        let end_cursor = after.map(cursor);
        let tokens = found.into_iter().map(of_member).collect();
        Ok(CampaignTokenPage { tokens, end_cursor, has_next_page, has_previous_page })
    }

    async fn require_to_read(&self, caller: &Caller) -> Result<(), Error> {
        let own = self.own_token(caller, self.now()).await?;
        Ok(Authority::of(&own).require(Permission::ApiTokenRead)?)
    }
}

fn cursor(id: impl ToString) -> String {
    URL_SAFE_NO_PAD.encode(id.to_string())
}

fn read_cursor<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    parse(&String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?)
}
