//! How many API tokens of a campaign are in each state.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::rule::campaign::{Counts, State};

/// How many API tokens of a rotation campaign are in each state. Their sum is `total`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RotationCampaignProgress)]
pub(super) struct Progress {
    /// All of its API tokens.
    total: u64,
    /// Those that are not done: an old value works, or would if the API token were resumed. The first four states.
    left: u64,
    /// Of those that are left: how many must not be revoked at the deadline, as judged when they were collected; all, if the creator's API
    /// token does not work. The `refusal` of each is up to date.
    not_revocable: u64,
    /// Those that were not rotated.
    waiting: u64,
    /// Those that were rotated, whose new value was not used yet, and of which an old value works.
    rotated: u64,
    /// Those whose new value was used, and of which an old value works and was used within their `silentMinutes`.
    new_value_in_use: u64,
    /// Those whose new value was used, and of which an old value works but was not used within their `silentMinutes`.
    old_value_silent: u64,
    /// Those of which no old value works.
    retired: u64,
    /// Those that were revoked.
    revoked: u64,
    /// Those that have expired.
    expired: u64,
    /// Those that were not rotated within their rotation period.
    rotation_overdue: u64,
    /// Those that no longer exist.
    gone: u64,
}

impl From<Counts> for Progress {
    fn from(counts: Counts) -> Self {
        Self {
            total: counts.total(),
            left: counts.left(),
            not_revocable: counts.refused,
            waiting: counts.of(State::Waiting),
            rotated: counts.of(State::Rotated),
            new_value_in_use: counts.of(State::NewValueInUse),
            old_value_silent: counts.of(State::OldValueSilent),
            retired: counts.of(State::Retired),
            revoked: counts.of(State::Revoked),
            expired: counts.of(State::Expired),
            rotation_overdue: counts.of(State::RotationOverdue),
            gone: counts.of(State::Gone),
        }
    }
}
