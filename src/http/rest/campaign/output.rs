//! Rotation campaigns and their API tokens in REST responses.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::rule::campaign::{AtDeadline, Campaign, CampaignStatus, Counts, EndReason, State};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor as DomainActor;
use crate::http::rest::token::ApiToken;
use crate::http::rest::token_value::Actor;
use crate::service::{self, CampaignToken, ErrorCode};

use super::progress::Progress;

/// A rotation campaign: a dated order to rotate all API tokens that match a filter.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::rest) struct RotationCampaign {
    /// Its id. Ids sort by creation time.
    id: String,
    /// A name for people.
    #[schema(required)]
    name: Option<String>,
    /// Where it is.
    #[schema(value_type = CampaignStatus)]
    status: &'static str,
    /// Which API tokens belong to it. Here, the metadata is an object.
    #[schema(value_type = HashMap<String, Value>)]
    filter: Map<String, Value>,
    /// When it ends at the latest.
    #[schema(value_type = Timestamp)]
    deadline: String,
    /// What it does then.
    #[schema(value_type = AtDeadline)]
    at_deadline: &'static str,
    /// Why it was created.
    reason: String,
    /// Where the evidence is.
    #[serde(rename = "evidenceURL")]
    #[schema(required)]
    evidence_url: Option<String>,
    /// When it was created. A value that was issued until then is an old one.
    #[schema(value_type = Timestamp)]
    created_at: String,
    /// Who created it. By the permissions of this API token, others are revoked at the deadline.
    created_by: Actor,
    /// When its API tokens were complete; null while they are being collected, or if it was cancelled before.
    #[schema(required, value_type = Option<Timestamp>)]
    prepared_at: Option<String>,
    /// When it ended, and its report was complete; null before that.
    #[schema(required, value_type = Option<Timestamp>)]
    ended_at: Option<String>,
    /// Whether it was cancelled. Its status is `ENDING` until its report is complete.
    cancelled: bool,
    /// How many of its API tokens are in each state: now, or when it ended. Not in a listing, nor when it is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Progress)]
    progress: Option<Progress>,
}

impl RotationCampaign {
    /// A campaign and, if they were counted, how many tokens are in each state.
    pub(super) fn new(campaign: Campaign, progress: Option<Counts>) -> Self {
        let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            id: campaign.id.to_string(),
            status: campaign.status().as_str(),
            filter: serde_json::from_str(&campaign.filter).unwrap_or_default(),
            deadline: campaign.deadline.to_string(),
            at_deadline: campaign.at_deadline.as_str(),
            created_at: campaign.created_at.to_string(),
            created_by: DomainActor::ApiToken(campaign.created_by).into(),
            prepared_at: moment(campaign.prepared_at),
            ended_at: moment(campaign.end.and_then(|end| end.ended_at)),
            cancelled: campaign.end.is_some_and(|end| end.reason == EndReason::Cancelled),
            reason: campaign.reason.text.unwrap_or_default(),
            evidence_url: campaign.reason.evidence_url,
            name: campaign.name,
            progress: progress.map(Progress::from),
        }
    }
}

/// Where a page is in its listing, which is read forwards.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RotationCampaignPageInfo)]
struct ForwardPageInfo {
    /// Whether there are more after the last one.
    has_next_page: bool,
    /// Where the next page begins, for `after`; null on an empty page.
    #[schema(required)]
    end_cursor: Option<String>,
}

/// A page of rotation campaigns.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RotationCampaignPage)]
pub(in crate::http::rest) struct CampaignPage {
    /// The rotation campaigns of the page, newest first.
    data: Vec<RotationCampaign>,
    /// Where the page is in the listing.
    page_info: ForwardPageInfo,
}

impl From<service::CampaignPage> for CampaignPage {
    fn from(page: service::CampaignPage) -> Self {
        let end_cursor = page.campaigns.last().map(|(cursor, _)| cursor.clone());
        let page_info = ForwardPageInfo { has_next_page: page.has_next_page, end_cursor };
        let data = page.campaigns.into_iter().map(|(_, campaign)| RotationCampaign::new(campaign, None)).collect();
        Self { data, page_info }
    }
}

/// A page of the API tokens of a rotation campaign.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RotationCampaignTokenPage)]
pub(in crate::http::rest) struct CampaignTokenPage {
    /// The API tokens of the page, oldest first.
    data: Vec<RotationCampaignToken>,
    /// Where the page is in the listing.
    page_info: ForwardPageInfo,
}

/// An API token of a rotation campaign.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RotationCampaignToken {
    /// The id of the API token.
    token_id: String,
    /// The API token as it is now; null if there is no such API token any more.
    #[schema(required)]
    token: Option<ApiToken>,
    /// What has become of it: by now, or by the time when the campaign ended.
    #[schema(value_type = State)]
    state: &'static str,
    /// Values of this generation and earlier ones are old: they were issued before the campaign.
    old_generation: u32,
    /// Why it must not be revoked at the deadline; null if it may, or if the campaign revokes nothing. After the end: why it was not.
    #[schema(required, value_type = Option<ErrorCode>)]
    refusal: Option<&'static str>,
}

impl From<service::CampaignTokenPage> for CampaignTokenPage {
    fn from(page: service::CampaignTokenPage) -> Self {
        let token = |token: CampaignToken| RotationCampaignToken {
            token_id: token.token_id.to_string(),
            token: token.view.map(ApiToken::from),
            state: token.state.as_str(),
            old_generation: token.old_generation,
            refusal: token.refusal.map(ErrorCode::as_str),
        };
        let page_info = ForwardPageInfo { has_next_page: page.has_next_page, end_cursor: page.end_cursor };
        Self { data: page.tokens.into_iter().map(token).collect(), page_info }
    }
}
