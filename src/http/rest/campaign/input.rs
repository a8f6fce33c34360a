//! The inputs of rotation campaigns.

use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::domain::listing;
use crate::domain::reason::ReasonDraft;
use crate::domain::rule::campaign::{AtDeadline, CampaignDraft, State};
use crate::domain::timestamp::Timestamp;
use crate::http::rejection::Rejection;
use crate::http::rest::input::{Fields, FilterInput, Input, input, read_filter};
use crate::service::CampaignTokenRequest;

input! {
    /// Which API tokens are to be rotated, by when, and why.
    #[derive(ToSchema)]
    #[schema(as = CreateRotationCampaignInput)]
    CreateCampaignInput with schema {
        /// A name for people: one line of 1 to 255 characters.
        "name" => name: Option<String> as Option<String>,
        /// Which API tokens: at least one condition. They are fixed when the campaign is `OPEN`. Those that are revoked, expired or overdue
        /// are left out, and those that are created later do not belong to it.
        "filter" => filter: Map<String, Value> as FilterInput,
        /// When the campaign ends at the latest.
        "deadline" => deadline: Timestamp as Timestamp,
        /// What it does then.
        "atDeadline" => at_deadline: AtDeadline as AtDeadline,
        /// Why, for the audit log: one line of 1 to 255 characters.
        "reason" => reason: String as String,
        /// Where the evidence is, for the audit log: an address with `https` or `http`, without a name and a password.
        "evidenceURL" => evidence_url: Option<String> as Option<String>,
    }
}

impl CreateCampaignInput {
    /// The draft for the use case.
    ///
    /// # Errors
    /// When a condition is invalid, or an id malformed.
    pub(super) fn read(self, hides_names: bool) -> Result<CampaignDraft, Rejection> {
        let Self { name, filter, deadline, at_deadline, reason, evidence_url } = self;
        let reason = ReasonDraft { text: Some(reason), evidence_url };
        Ok(CampaignDraft { name, filter: read_filter(filter, hides_names)?, deadline, at_deadline, reason })
    }
}

input! {
    /// Why a rotation campaign is cancelled.
    #[derive(ToSchema)]
    #[schema(as = CancelRotationCampaignInput)]
    CancelInput with schema {
        /// Why, for the audit log: one line of 1 to 255 characters.
        "reason" => reason: Option<String> as Option<String>,
        /// Where the evidence is, for the audit log: an address with `https` or `http`, without a name and a password.
        "evidenceURL" => evidence_url: Option<String> as Option<String>,
    }
}

input! {
    /// The page of a listing.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    ListCampaignsInput with param {
        /// How many, 1 to 200; 25 if left out.
        "first" => first: Option<i32> as Option<i32>,
        /// Only those after this cursor, which are older.
        "after" => after: Option<String> as Option<String>,
    }
}

input! {
    /// The page of the API tokens of a rotation campaign.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    CampaignTokensInput with param {
        /// How many, 1 to 200; 25 if left out.
        "first" => first: Option<i32> as Option<i32>,
        /// Only those after this cursor.
        "after" => after: Option<String> as Option<String>,
        /// Only those with one of these states: separated by commas, or with the parameter repeated. A page may then have fewer than
        /// `first`, or none, although there are more.
        "state" => state: Option<Vec<State>> as Option<Vec<State>>,
    }
}

impl From<CampaignTokensInput> for CampaignTokenRequest {
    fn from(input: CampaignTokensInput) -> Self {
        let CampaignTokensInput { first, after, state } = input;
        Self { first, after, states: listing::list(state) }
    }
}
