//! Collecting the tokens of a campaign, a page at a time.
//!
//! A token has the time at which its transaction began, and is seen when that is committed. So only ids of a time that has settled are
//! read: otherwise a token that is older than the campaign could appear behind the position, and be left out.

use crate::domain::id::TokenId;
use crate::domain::listing::{End, MAX_EXAMINED, MAX_PAGE_SIZE, Order, Page, Position};
use crate::domain::rule::campaign::{AtDeadline, Campaign, Step, generation_at_start, refusal_if_waiting};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::service::{Error, Service};
use crate::store::{Listing, Transaction, filter_of_text};

/// How long the transaction that creates a token may take at most: ten seconds until its turn, five for each of a few locks, and the rest to
/// write a thousand tokens.
const SETTLED_AFTER_SECONDS: u32 = 30;

impl Service {
    /// Adds the next page of tokens that match. A rotation between reading a page and adding it is one since the beginning: the generation
    /// that is added was read before it.
    pub(super) async fn prepare_campaign(&self, known: &Campaign, now: Timestamp) -> Result<bool, Error> {
        let settled = now.minus_seconds(SETTLED_AFTER_SECONDS);
        let page = Page {
            filter: filter_of_text(&known.filter)?,
            order: Order::default(),
            after: known.prepared_through.map(|id| Position { key: None, id }),
            before: Some(Position { key: None, id: TokenId::first_of(settled) }),
            size: MAX_PAGE_SIZE,
            end: End::First,
            max_examined: MAX_EXAMINED,
        };
        let listing = self.store.list(&page, now).await?;
        let creator = match known.at_deadline {
            AtDeadline::Revoke => self.store.find_token(known.created_by).await?,
            AtDeadline::Nothing => None,
        };
        let transaction = self.begin_step(known, now).await?;
        // Without more, all ids until then are read.
        let read = if listing.more { None } else { Some(settled) };
        let added = add_page(&transaction, known, (&listing, read), creator.as_ref(), now).await;
        transaction.finish(added).await
    }
}

/// Adds these tokens, unless another replica has added some since they were read.
async fn add_page(
    transaction: &Transaction,
    known: &Campaign,
    (listing, read_until): (&Listing, Option<Timestamp>),
    creator: Option<&Token>,
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(mut campaign) = transaction.try_lock_campaign(known.id).await? else { return Ok(false) };
    if campaign.next_step(now) != Step::Prepare || campaign.prepared_through != known.prepared_through {
        return Ok(true);
    }
    // A token that was created later does not belong to it.
    let old = listing.tokens.iter().filter(|token| token.created_at <= campaign.created_at);
    let member = |token: &Token| {
        let refusal = match campaign.at_deadline {
            AtDeadline::Revoke => refusal_if_waiting(creator, token, now).map(|refusal| refusal.code()),
            AtDeadline::Nothing => None,
        };
        (token.id, generation_at_start(token, campaign.created_at), refusal)
    };
    let members: Vec<_> = old.map(member).collect();
    transaction.add_campaign_members(campaign.id, &members).await?;
    campaign.token_count += u64::try_from(members.len()).unwrap_or_default();
    let last = listing.tokens.last().map(|token| token.id).max(listing.stopped_at.as_ref().map(|position| position.id));
    campaign.prepared_through = read_until.map(TokenId::first_of).max(last).max(campaign.prepared_through);
    if read_until.is_some_and(|until| campaign.created_at < until) {
        campaign.prepared_at = Some(now);
    }
    transaction.write_campaign(&campaign).await?;
    // The next ids are yet to settle.
    Ok(read_until.is_none() || campaign.prepared_at.is_some())
}
