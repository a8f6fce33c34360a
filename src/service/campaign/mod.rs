//! Rotation campaigns: creating, watching and cancelling them, and the steps that every replica takes in the background.
//!
//! A step is one transaction that locks the campaign and does a bounded amount of work, from where the last step ended. So whichever
//! replica takes the next one, and whenever a process ends, each token is added, reported and cut off exactly once.

mod advance;
mod cancel;
mod create;
mod prepare;
mod read;
mod report;

pub use read::{CampaignPage, CampaignToken, CampaignTokenPage, CampaignTokenRequest};

use crate::domain::audit::{Action, AuditEvent, Provenance};
use crate::domain::id::{CampaignId, EventId};
use crate::domain::rule::campaign::Campaign;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor;
use crate::service::{Error, Service};

impl Service {
    /// The event of a change to a campaign. It is about no token, and its reason names the campaign.
    fn campaign_event(
        &self,
        action: Action,
        (actor, provenance): (Actor, Provenance),
        campaign: &Campaign,
        now: Timestamp,
    ) -> Result<AuditEvent, Error> {
        Ok(AuditEvent {
            id: EventId::new(now, self.random()?),
            at: now,
            action,
            refusal: None,
            actor: Some(actor),
            token_id: None,
            webhook_id: None,
            mail_digest_id: None,
            generation: None,
            provenance,
            reason: campaign.reason_of_events(),
        })
    }
}

/// Reads an id that a client sent. A malformed id is not found.
fn campaign_id(text: &str) -> Result<CampaignId, Error> {
    CampaignId::parse(text).ok_or(Error::NoSuchCampaign)
}
