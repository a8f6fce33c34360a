//! Announcing deadlines ahead (R16). Each replica looks for them; the one that locks the row of a deadline announces it.
//!
//! The notices of a batch, and how far the deadline is announced then, are one transaction: a crash repeats the batch, and nothing is left
//! out. What is announced ends a few seconds ago, so that a token is not passed by whose transaction took its time but commits late.

use crate::domain::id::{NoticeId, TokenId};
use crate::domain::notice::{Deadline, Kinds, Notice, NoticeKind};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::service::{Error, Service};
use crate::store::{SweepPosition, Transaction};

/// How long ago an announcement must be due. Transactions take less time.
const LAG_SECONDS: u32 = 15;
/// The longest part of the past that one transaction announces. After a long outage there are several.
const MAX_STEP_MINUTES: u32 = 60;
/// How many tokens one transaction announces, so that other writers wait only briefly.
const BATCH: u32 = 200;
/// How many such transactions of each deadline run in one go. The rest is left for the next time.
const MAX_BATCHES: u32 = 500;
/// How many webhooks and mail digests are read.
const MAX_READ: u32 = 1_000;
/// By how much a moment that was written may be ahead of this clock, as that of another replica may be. One that is more was written while a
/// clock was wrong.
const MAX_AHEAD_MINUTES: u32 = 1;
/// How much of the past is announced again after that: some of it may have been left out.
const REPEATED_MINUTES: u32 = 60;
/// For how long nothing is written if there is nothing to announce.
const IDLE_MINUTES: u32 = 10;

/// Who gets notices: of which kinds, and since when.
type Subscriber = (Kinds, Timestamp);

impl Service {
    /// Announces the deadlines that are due. One that no webhook and no mail digest gets is left alone, and so is all of the past before the
    /// first that gets it.
    ///
    /// # Errors
    /// When the database fails. The other deadlines are announced.
    pub async fn announce_deadlines(&self, deadlines: &[Deadline]) -> Result<(), Error> {
        if !self.readiness().schema {
            return Ok(());
        }
        // There are fewer.
        let (webhooks, _) = self.store.webhooks(None, MAX_READ).await?;
        let (digests, _) = self.store.mail_digests(None, MAX_READ).await?;
        let webhooks = webhooks.into_iter().filter(|webhook| webhook.disabled.is_none());
        let webhooks = webhooks.map(|webhook| (webhook.settings.kinds, webhook.created_at));
        let digests = digests.into_iter().map(|digest| (digest.settings.kinds, digest.created_at));
        let subscribers: Vec<Subscriber> = webhooks.chain(digests).collect();
        let mut outcome = Ok(());
        for deadline in deadlines {
            let Some(since) = wanted_since(&subscribers, deadline.kind(), self.now()) else { continue };
            outcome = outcome.and(self.announce_deadline(*deadline, since).await);
        }
        outcome
    }

    async fn announce_deadline(&self, deadline: Deadline, since: Timestamp) -> Result<(), Error> {
        let until = self.now().minus_seconds(LAG_SECONDS);
        if let Some(known) = self.store.sweep_position(deadline).await? {
            let from = later(known, since);
            let is_recent = !is_ahead(known.at, until) && until < from.at.plus_minutes(IDLE_MINUTES);
            if is_recent && !self.store.has_deadlines(deadline, from, until).await? {
                return Ok(());
            }
        }
        for _ in 0..MAX_BATCHES {
            let now = self.now();
            let transaction = self.store.begin().await?;
            let announced = self.announce_batch(&transaction, deadline, since, now).await;
            if !transaction.finish(announced).await? {
                break;
            }
        }
        Ok(())
    }

    /// Announces a batch; returns whether there may be more.
    async fn announce_batch(
        &self,
        transaction: &Transaction,
        deadline: Deadline,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let until = now.minus_seconds(LAG_SECONDS);
        // A webhook or mail digest gets what falls due from its creation on, as far as a sweep soon after that can know it.
        let first = SweepPosition { at: since.max(until.minus_minutes(IDLE_MINUTES)).min(until), token_id: None };
        let Some(known) = transaction.lock_sweep(deadline, first).await? else { return Ok(false) };
        if is_ahead(known.at, until) {
            let seconds = until.seconds_until(known.at);
            tracing::warn!(name: "deadlines_put_back", seconds, "deadlines of tokens were announced by a clock that was ahead; announcing the last hour again, and what follows");
            let back = SweepPosition { at: until.minus_minutes(REPEATED_MINUTES), token_id: None };
            transaction.advance_sweep(deadline, back).await?;
            return Ok(true);
        }
        let from = later(known, since);
        if until <= from.at {
            return Ok(false);
        }
        let end = until.min(from.at.plus_minutes(MAX_STEP_MINUTES));
        let found = transaction.find_deadlines(deadline, from, end, BATCH).await?;
        let is_full = u32::try_from(found.len()) == Ok(BATCH);
        let to = found.last().copied().filter(|_| is_full).unwrap_or(SweepPosition { at: end, token_id: None });
        let mut ids: Vec<TokenId> = found.iter().filter_map(|position| position.token_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut notices = Vec::new();
        for token in transaction.find_tokens(&ids).await? {
            notices.extend(self.notice_of(deadline, &token, (from.at, to.at), now)?);
        }
        transaction.enqueue(&notices).await?;
        transaction.advance_sweep(deadline, to).await?;
        Ok(is_full || end < until)
    }

    /// The notice of a token that was found. It is announced at another time if it has changed since.
    fn notice_of(
        &self,
        deadline: Deadline,
        token: &Token,
        found: (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Option<Notice>, Error> {
        if !deadline.is_due(token, found) {
            return Ok(None);
        }
        Ok(deadline.notice(token, NoticeId::new(now, self.random()?), now))
    }
}

/// Since when a webhook that is enabled, or a mail digest, gets notices of this kind; `None` if none does. That of one that was created by a
/// wrong clock is unknown.
fn wanted_since(subscribers: &[Subscriber], kind: NoticeKind, now: Timestamp) -> Option<Timestamp> {
    let wants = |kinds: &Kinds| kinds.are_all() || kinds.iter().any(|wanted| wanted == kind);
    let since = |at| if is_ahead(at, now) { Timestamp::MIN } else { at };
    subscribers.iter().filter(|(kinds, _)| wants(kinds)).map(|(_, created_at)| since(*created_at)).min()
}

fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    now.plus_minutes(MAX_AHEAD_MINUTES) < at
}

/// The position, but not before this moment.
fn later(known: SweepPosition, since: Timestamp) -> SweepPosition {
    if known.at < since { SweepPosition { at: since, token_id: None } } else { known }
}
