//! The steps of campaigns. Every replica takes them; on PostgreSQL, a replica skips a campaign on which another one works.

use tokio::time::interval;

use crate::domain::id::{CampaignId, TokenId};
use crate::domain::rule::campaign::{Campaign, End, EndReason, Step};
use crate::domain::timestamp::Timestamp;
use crate::service::{Error, Service};
use crate::store::Transaction;

/// How many steps of one campaign are taken before the next one has its turn.
const MAX_STEPS: u32 = 50;
/// How many tokens one step watches.
const WATCHED: u32 = 1_000;

impl Service {
    /// Takes the steps of campaigns, for as long as the server runs.
    pub async fn keep_campaigns(self) {
        let (mut periods, mut has_failed, mut has_more) = (interval(self.policy.campaign_interval), false, false);
        loop {
            if !has_more {
                periods.tick().await;
            }
            let advanced = self.advance_campaigns().await;
            match &advanced {
                Err(cause) if !has_failed => tracing::warn!(
                    name: "campaigns_not_advanced", cause = %cause.cause(),
                    "rotation campaigns make no progress; retrying every few seconds"
                ),
                Err(cause) => tracing::debug!(
                    name: "campaigns_not_advanced", cause = %cause.cause(), "rotation campaigns still make no progress"
                ),
                Ok(_) if has_failed => {
                    tracing::info!(name: "campaigns_advanced_again", "rotation campaigns make progress again")
                }
                Ok(_) => {}
            }
            has_failed = advanced.is_err();
            has_more = advanced.unwrap_or_default();
        }
    }

    /// Takes some steps of each campaign that has not ended; returns whether there are more to take at once. One that fails does not keep
    /// the others from theirs.
    ///
    /// # Errors
    /// The first failure.
    pub async fn advance_campaigns(&self) -> Result<bool, Error> {
        if !self.readiness().schema {
            // By its own rules, this version must not change what a newer one keeps.
            return Ok(false);
        }
        let (mut has_more, mut failure) = (false, None);
        for id in self.store.open_campaigns().await? {
            match self.advance_campaign(id, MAX_STEPS).await {
                Ok(more) => has_more |= more,
                // Also if the database is unavailable: on a full disk, that goes for all steps but those that cut off.
                Err(err) => failure = failure.or(Some(err)),
            }
        }
        failure.map_or(Ok(has_more), Err)
    }

    /// Takes so many steps of a campaign, or fewer if nothing is to be done for now; returns whether there are more to take.
    pub(super) async fn advance_campaign(&self, id: CampaignId, most: u32) -> Result<bool, Error> {
        for _ in 0..most {
            let now = self.now();
            let Some(campaign) = self.store.find_campaign(id).await? else { return Ok(false) };
            let step = || self.take_step(&campaign, now);
            let goes_on = if campaign.is_urgent(now) { self.retry_on_full_disk(step).await? } else { step().await? };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn take_step(&self, campaign: &Campaign, now: Timestamp) -> Result<bool, Error> {
        match campaign.next_step(now) {
            Step::Prepare => self.prepare_campaign(campaign, now).await,
            Step::Watch => self.watch_campaign(campaign, now).await,
            Step::ReachDeadline => self.begin_end(campaign, EndReason::Deadline, now).await,
            Step::Report => self.report_campaign(campaign, now).await,
            Step::Nothing => Ok(false),
        }
    }

    /// Starts the transaction of the next step. One that cuts off is written even on a full disk; the space for that is not for others.
    pub(super) async fn begin_step(&self, campaign: &Campaign, now: Timestamp) -> Result<Transaction, Error> {
        let urgent = campaign.is_urgent(now);
        Ok(if urgent { self.store.begin_urgent().await? } else { self.store.begin().await? })
    }

    /// Looks for the first token that is not done. A token that is done stays so, so those before it need not be looked at again.
    async fn watch_campaign(&self, known: &Campaign, now: Timestamp) -> Result<bool, Error> {
        let mut members = self.store.campaign_members(known.id, known.watched_through, 1, now).await?;
        if members.iter().all(|member| member.state.is_done()) && !members.is_empty() {
            members = self.store.campaign_members(known.id, known.watched_through, WATCHED, now).await?;
        }
        let done = members.iter().take_while(|member| member.state.is_done());
        let Some(through) = done.last().map(|member| member.token_id) else {
            // The first one is not done, or there are no more.
            return if members.is_empty() { self.begin_end(known, EndReason::Completed, now).await } else { Ok(false) };
        };
        let transaction = self.begin_step(known, now).await?;
        let watched = watched_through(&transaction, known, through, now).await;
        transaction.finish(watched).await
    }

    /// Begins the end of a campaign.
    async fn begin_end(&self, known: &Campaign, reason: EndReason, now: Timestamp) -> Result<bool, Error> {
        let transaction = self.begin_step(known, now).await?;
        let begun = begin_end_in(&transaction, known.id, reason, now).await;
        transaction.finish(begun).await
    }
}

async fn watched_through(
    transaction: &Transaction,
    known: &Campaign,
    through: TokenId,
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(mut campaign) = transaction.try_lock_campaign(known.id).await? else { return Ok(false) };
    if campaign.next_step(now) == Step::Watch && campaign.watched_through < Some(through) {
        campaign.watched_through = Some(through);
        transaction.write_campaign(&campaign).await?;
    }
    Ok(true)
}

async fn begin_end_in(
    transaction: &Transaction,
    id: CampaignId,
    reason: EndReason,
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(mut campaign) = transaction.try_lock_campaign(id).await? else { return Ok(false) };
    let is_due = match campaign.next_step(now) {
        Step::Watch => reason == EndReason::Completed,
        Step::ReachDeadline => reason == EndReason::Deadline,
        Step::Prepare | Step::Report | Step::Nothing => false,
    };
    if is_due {
        campaign.end = Some(End { reason, since: now, ended_at: None });
        transaction.write_campaign(&campaign).await?;
    }
    Ok(true)
}
