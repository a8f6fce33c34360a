//! The enums of rotation campaigns.

use async_graphql::Enum;

use crate::domain::rule::campaign;

/// What a rotation campaign does at its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "campaign::AtDeadline")]
pub(crate) enum RotationCampaignDeadlineAction {
    /// It ends and reports.
    Nothing,
    /// It revokes every API token that was not rotated, and retires the previous value of the others, in use or not: no value that
    /// was issued before the campaign works any more. What must not be revoked is reported.
    Revoke,
}

/// Where a rotation campaign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "campaign::CampaignStatus")]
pub(crate) enum RotationCampaignStatus {
    /// Its API tokens are being collected.
    Preparing,
    /// Its API tokens are fixed, and it waits for them to be rotated.
    Open,
    /// Its report is being written and, at a deadline that revokes, its API tokens are being revoked.
    Ending,
    /// It has ended: no value that was issued before it works any more.
    Completed,
    /// It has ended at its deadline.
    DeadlineReached,
    /// It was cancelled.
    Cancelled,
}

/// What has become of an API token since its rotation campaign began. An old value is one that was issued before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "campaign::State")]
pub(crate) enum RotationCampaignTokenState {
    /// It was not rotated.
    Waiting,
    /// It was rotated. The new value was not used yet, and an old one works.
    Rotated,
    /// The new value was used. An old one works, and was used within the `silentMinutes` of the API token.
    NewValueInUse,
    /// The new value was used. An old one works, but was not used within the `silentMinutes` of the API token.
    OldValueSilent,
    /// No old value works.
    Retired,
    /// The API token was revoked.
    Revoked,
    /// The API token has expired.
    Expired,
    /// The API token was not rotated within its rotation period, so it no longer works.
    RotationOverdue,
    /// There is no such API token any more.
    Gone,
}
