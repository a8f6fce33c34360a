//! `RotationCampaign`, its progress, and its pages.

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use crate::domain::rule::campaign::{Campaign, Counts, EndReason, State};
use crate::domain::token::Actor as DomainActor;
use crate::graphql::error::refuse;
use crate::graphql::schema::context::{caller, service};
use crate::graphql::schema::types::actor::Actor;
use crate::graphql::schema::types::leaf::date_time::DateTime;
use crate::graphql::schema::types::leaf::int::saturated;
use crate::graphql::schema::types::page_info::PageInfo;
use crate::service::CampaignPage;

use super::enums::{RotationCampaignDeadlineAction, RotationCampaignStatus};

/// A rotation campaign: a dated order to rotate all API tokens that match a filter.
pub(crate) struct RotationCampaign(pub(crate) Campaign);

/// A rotation campaign: a dated order to rotate all API tokens that match a filter.
#[Object]
impl RotationCampaign {
    /// Its id. Ids sort by creation time.
    async fn id(&self) -> ID {
        ID(self.0.id.to_string())
    }

    /// A name for people; null if not given.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Where it is.
    async fn status(&self) -> RotationCampaignStatus {
        self.0.status().into()
    }

    /// Which API tokens belong to it, as a JSON object with the conditions of `APITokenFilter`.
    async fn filter(&self) -> &str {
        &self.0.filter
    }

    /// When it ends at the latest.
    async fn deadline(&self) -> DateTime {
        self.0.deadline.into()
    }

    /// What it does then.
    async fn at_deadline(&self) -> RotationCampaignDeadlineAction {
        self.0.at_deadline.into()
    }

    /// Why it was created.
    async fn reason(&self) -> &str {
        self.0.reason.text.as_deref().unwrap_or_default()
    }

    /// Where the evidence is; null if not given. Rotakey does not look at it.
    #[graphql(name = "evidenceURL")]
    async fn evidence_url(&self) -> Option<&str> {
        self.0.reason.evidence_url.as_deref()
    }

    /// When it was created. A value that was issued until then is an old one.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Who created it. By the permissions of this API token, others are revoked at the deadline.
    async fn created_by(&self) -> Actor {
        DomainActor::ApiToken(self.0.created_by).into()
    }

    /// When its API tokens were complete; null while they are being collected, or if it was cancelled before.
    async fn prepared_at(&self) -> Option<DateTime> {
        self.0.prepared_at.map(Into::into)
    }

    /// When it ended, and its report was complete; null before that.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.end.and_then(|end| end.ended_at).map(Into::into)
    }

    /// Whether it was cancelled. Its status is `ENDING` until its report is complete.
    async fn cancelled(&self) -> bool {
        self.0.end.is_some_and(|end| end.reason == EndReason::Cancelled)
    }

    /// How many of its API tokens are in each state: now, or when it ended. They are counted for each request.
    async fn progress(&self, ctx: &Context<'_>) -> Result<RotationCampaignProgress> {
        let counts = service(ctx)?.campaign_progress(caller(ctx)?, &self.0).await.map_err(refuse)?;
        Ok(counts.into())
    }
}

/// How many API tokens of a rotation campaign are in each state. Their sum is `total`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct RotationCampaignProgress {
    /// All of its API tokens.
    total: i32,
    /// Those that are not done: an old value works, or would if the API token were resumed. The first four states.
    left: i32,
    /// Of those that are left: how many must not be revoked at the deadline, as judged when they were collected; all, if the creator's API
    /// token does not work. The `refusal` of each is up to date.
    not_revocable: i32,
    /// Those that were not rotated.
    waiting: i32,
    /// Those that were rotated, whose new value was not used yet, and of which an old value works.
    rotated: i32,
    /// Those whose new value was used, and of which an old value works and was used within their `silentMinutes`.
    new_value_in_use: i32,
    /// Those whose new value was used, and of which an old value works but was not used within their `silentMinutes`.
    old_value_silent: i32,
    /// Those of which no old value works.
    retired: i32,
    /// Those that were revoked.
    revoked: i32,
    /// Those that have expired.
    expired: i32,
    /// Those that were not rotated within their rotation period.
    rotation_overdue: i32,
    /// Those that no longer exist.
    gone: i32,
}

impl From<Counts> for RotationCampaignProgress {
    fn from(counts: Counts) -> Self {
        let of = |state| saturated(counts.of(state));
        Self {
            total: saturated(counts.total()),
            left: saturated(counts.left()),
            not_revocable: saturated(counts.refused),
            waiting: of(State::Waiting),
            rotated: of(State::Rotated),
            new_value_in_use: of(State::NewValueInUse),
            old_value_silent: of(State::OldValueSilent),
            retired: of(State::Retired),
            revoked: of(State::Revoked),
            expired: of(State::Expired),
            rotation_overdue: of(State::RotationOverdue),
            gone: of(State::Gone),
        }
    }
}

/// The answer to `createRotationCampaign`.
#[derive(SimpleObject)]
pub(crate) struct CreateRotationCampaignOutput {
    /// The new rotation campaign. A large one is `PREPARING` until its API tokens are collected.
    pub(crate) campaign: RotationCampaign,
}

/// The answer to `cancelRotationCampaign`.
#[derive(SimpleObject)]
pub(crate) struct CancelRotationCampaignOutput {
    /// The cancelled rotation campaign. A large one is `ENDING` until its report is complete.
    pub(crate) campaign: RotationCampaign,
}

/// A page of rotation campaigns, newest first.
#[derive(SimpleObject)]
pub(crate) struct RotationCampaignConnection {
    /// The rotation campaigns of the page with their cursors, newest first.
    edges: Vec<RotationCampaignEdge>,
    /// Where the page is in the listing.
    page_info: PageInfo,
}

/// One rotation campaign of a page.
#[derive(SimpleObject)]
pub(crate) struct RotationCampaignEdge {
    /// Its position in the listing, for `after`. Opaque.
    cursor: String,
    /// The rotation campaign.
    node: RotationCampaign,
}

impl From<CampaignPage> for RotationCampaignConnection {
    fn from(CampaignPage { campaigns, has_next_page, has_previous_page }: CampaignPage) -> Self {
        let cursor = |edge: Option<&(String, _)>| edge.map(|(cursor, _)| cursor.clone());
        let page_info = PageInfo {
            has_next_page,
            has_previous_page,
            start_cursor: cursor(campaigns.first()),
            end_cursor: cursor(campaigns.last()),
        };
        let edge = |(cursor, campaign)| RotationCampaignEdge { cursor, node: RotationCampaign(campaign) };
        Self { edges: campaigns.into_iter().map(edge).collect(), page_info }
    }
}
