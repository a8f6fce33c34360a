//! `createRotationCampaign`.

use crate::domain::audit::Action;
use crate::domain::id::CampaignId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::reason::Reason;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::campaign::{Campaign, CampaignDraft, Counts, MAX_OPEN_CAMPAIGNS};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Permission;
use crate::service::{Caller, Error, Service};
use crate::store::{Transaction, text_of_filter};

/// How many steps are taken before the answer, so that a campaign of a few thousand tokens is prepared by then.
const STEPS_BEFORE_ANSWER: u32 = 20;

impl Service {
    /// Creates a campaign, and prepares it if that is quick. Needs `API_TOKEN_READ` and `API_TOKEN_MODIFY`. The right to revoke each token
    /// is judged when the token is added, and again at the deadline (R11).
    ///
    /// # Errors
    /// When the caller may not, an argument is invalid, or too many campaigns are open.
    pub async fn create_campaign(&self, caller: &Caller, draft: CampaignDraft) -> Result<Campaign, Error> {
        let now = self.now();
        let (draft, reason) = draft.validate(now)?;
        let transaction = self.store.begin().await?;
        let campaign = self.create_campaign_in(&transaction, caller, (draft, reason), now).await;
        let campaign = caller.finish(transaction, campaign).await?;
        // The campaign exists, so a failure of a step is no failure of the request. The next step is taken in the background.
        if let Err(cause) = self.advance_campaign(campaign.id, STEPS_BEFORE_ANSWER).await {
            tracing::debug!(name: "campaigns_not_advanced", cause = %cause.cause(), "a step of a rotation campaign failed");
        }
        Ok(self.store.find_campaign(campaign.id).await.ok().flatten().unwrap_or(campaign))
    }

    async fn create_campaign_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        (draft, reason): (CampaignDraft, Reason),
        now: Timestamp,
    ) -> Result<Campaign, Error> {
        let (own, _) = self.find_to_change(transaction, caller, caller.token_id(), now).await?;
        let authority = Authority::of(&own);
        authority.require(Permission::ApiTokenRead)?;
        authority.require(Permission::ApiTokenModify)?;
        if transaction.count_open_campaigns().await? >= u64::from(MAX_OPEN_CAMPAIGNS) {
            let message = format!(
                "There are {MAX_OPEN_CAMPAIGNS} open campaigns, which is the most. Cancel one, or wait until one ends."
            );
            return Err(InvalidInput::new("filter", message).into());
        }
        let campaign = Campaign {
            id: CampaignId::new(now, self.random()?),
            name: draft.name,
            filter: text_of_filter(&draft.filter),
            deadline: draft.deadline,
            at_deadline: draft.at_deadline,
            reason,
            created_at: now,
            created_by: own.id,
            prepared_at: None,
            end: None,
            prepared_through: None,
            watched_through: None,
            reported_through: None,
            token_count: 0,
            report: Counts::default(),
        };
        transaction.insert_campaign(&campaign).await?;
        let event = self.campaign_event(Action::CampaignCreated, caller.as_actor(), &campaign, now)?;
        transaction.append(&event).await?;
        Ok(campaign)
    }
}
