//! `cancelRotationCampaign`.

use crate::domain::audit::Action;
use crate::domain::id::CampaignId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::reason::{Reason, ReasonDraft};
use crate::domain::rule::authority::Authority;
use crate::domain::rule::campaign::{Campaign, End, EndReason};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Permission;
use crate::service::{Caller, Error, Service};
use crate::store::Transaction;

use super::campaign_id;

/// How many steps are taken before the answer, so that the report of a few thousand tokens is complete by then.
const STEPS_BEFORE_ANSWER: u32 = 20;

impl Service {
    /// Cancels a campaign, also while it revokes: nothing more is revoked by it, and its report is written. Cancelling twice changes
    /// nothing. One's own campaign needs `API_TOKEN_MODIFY`; another's, in addition, every permission that its creator's token holds (R11).
    ///
    /// # Errors
    /// When the caller may not, there is no such campaign, or it has ended or ends without revoking.
    pub async fn cancel_campaign(&self, caller: &Caller, id: &str, reason: ReasonDraft) -> Result<Campaign, Error> {
        let now = self.now();
        let id = campaign_id(id)?;
        let reason = reason.validate()?;
        let transaction = self.store.begin().await?;
        let campaign = self.cancel_campaign_in(&transaction, caller, id, reason, now).await;
        let campaign = caller.finish(transaction, campaign).await?;
        if let Err(cause) = self.advance_campaign(id, STEPS_BEFORE_ANSWER).await {
            tracing::debug!(name: "campaigns_not_advanced", cause = %cause.cause(), "a step of a rotation campaign failed");
        }
        Ok(self.store.find_campaign(id).await.ok().flatten().unwrap_or(campaign))
    }

    async fn cancel_campaign_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: CampaignId,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Campaign, Error> {
        // Before any token, as the steps of a campaign do it: otherwise the two could wait for each other forever.
        let campaign = transaction.lock_campaign(id).await?;
        let creator = campaign.as_ref().map_or(caller.token_id(), |campaign| campaign.created_by);
        let (own, creator) = self.find_to_change(transaction, caller, creator, now).await?;
        let authority = Authority::of(&own);
        authority.require(Permission::ApiTokenModify)?;
        let mut campaign = campaign.ok_or(Error::NoSuchCampaign)?;
        if let Some(creator) = &creator {
            authority.require_to_cut_off(creator)?;
        }
        match campaign.end {
            Some(End { reason: EndReason::Cancelled, .. }) => return Ok(campaign),
            // While it revokes, so that a mistake that is seen by the first revocations can be stopped. The report goes on where it is.
            Some(End { ended_at: None, .. }) if campaign.cuts_off() => {}
            Some(_) => {
                let message = "The campaign has ended, or is ending and revokes nothing, so it cannot be cancelled.";
                return Err(InvalidInput::new("id", message).into());
            }
            None => {}
        }
        campaign.end = Some(End { reason: EndReason::Cancelled, since: now, ended_at: None });
        transaction.write_campaign(&campaign).await?;
        let mut event = self.campaign_event(Action::CampaignCancelled, caller.as_actor(), &campaign, now)?;
        let text = reason.text.map_or_else(|| campaign.id.to_string(), |text| format!("{}: {text}", campaign.id));
        event.reason = Reason { text: Some(text), evidence_url: reason.evidence_url };
        transaction.append(&event).await?;
        Ok(campaign)
    }
}
