//! The inputs of rotation campaigns.

use async_graphql::{ID, InputObject};

use crate::domain::reason::ReasonDraft;
use crate::domain::rule::campaign::CampaignDraft;
use crate::graphql::schema::types::leaf::date_time::DateTime;
use crate::graphql::schema::types::token::input::ApiTokenFilter;
use crate::service::Error;

use super::enums::RotationCampaignDeadlineAction;

/// Which API tokens are to be rotated, by when, and why.
#[derive(InputObject)]
pub(crate) struct CreateRotationCampaignInput {
    /// A name for people: one line of 1 to 255 characters.
    name: Option<String>,
    /// Which API tokens: at least one condition, and no empty text. They are fixed when the campaign is `OPEN`. Those that are
    /// revoked, expired or overdue are left out, and those that are created later do not belong to it.
    filter: ApiTokenFilter,
    /// When the campaign ends at the latest.
    deadline: DateTime,
    /// What it does then.
    at_deadline: RotationCampaignDeadlineAction,
    /// Why, for the audit log: one line of 1 to 255 characters.
    reason: String,
    /// Where the evidence is, for the audit log: an address with `https` or `http`, of at most 2,000 characters, without a
    /// name and a password.
    #[graphql(name = "evidenceURL")]
    evidence_url: Option<String>,
}

impl CreateRotationCampaignInput {
    /// The draft for the use case.
    ///
    /// # Errors
    /// When a condition is invalid, or an id malformed.
    pub(crate) fn read(self) -> Result<CampaignDraft, Error> {
        let Self { name, filter, deadline: DateTime(deadline), at_deadline, reason, evidence_url } = self;
        let reason = ReasonDraft { text: Some(reason), evidence_url };
        Ok(CampaignDraft { name, filter: filter.read()?, deadline, at_deadline: at_deadline.into(), reason })
    }
}

/// Which rotation campaign to cancel.
#[derive(InputObject)]
pub(crate) struct CancelRotationCampaignInput {
    /// The rotation campaign to cancel. Nothing more is revoked by it. For one that another API token has created, you need
    /// every permission that this API token has.
    pub(crate) id: ID,
    /// Why, for the audit log: one line of 1 to 255 characters.
    pub(crate) reason: Option<String>,
    /// Where the evidence is, for the audit log: an address with `https` or `http`, of at most 2,000 characters, without a
    /// name and a password.
    #[graphql(name = "evidenceURL")]
    pub(crate) evidence_url: Option<String>,
}
