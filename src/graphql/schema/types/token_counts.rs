//! `APITokenCounts`: how many API tokens there are.

use async_graphql::SimpleObject;

use crate::domain::rule::lifecycle::Status;
use crate::domain::token::TokenKind;
use crate::service::TokenCounts;

use super::leaf::date_time::DateTime;
use super::leaf::enums::{ApiTokenKind, ApiTokenStatus};
use super::leaf::int::saturated;

/// How many API tokens there are. The server counts them in the background, so the numbers are those of `countedAt`.
#[derive(SimpleObject)]
#[graphql(name = "APITokenCounts")]
pub(crate) struct ApiTokenCounts {
    /// When they were counted.
    counted_at: DateTime,
    /// All of them.
    total: i32,
    /// By status, for every status. A token that expires or becomes overdue is counted under its new status within two minutes.
    by_status: Vec<ApiTokenStatusCount>,
    /// By kind, for every kind.
    by_kind: Vec<ApiTokenKindCount>,
    /// Of the owners with the most API tokens, most first.
    by_owner: Vec<ApiTokenOwnerCount>,
    /// Of all other owners together.
    of_other_owners: i32,
    /// Without an owner.
    without_owner: i32,
}

/// How many API tokens have a status.
#[derive(SimpleObject)]
#[graphql(name = "APITokenStatusCount")]
pub(crate) struct ApiTokenStatusCount {
    /// The status.
    status: ApiTokenStatus,
    /// How many.
    count: i32,
}

/// How many API tokens are of a kind.
#[derive(SimpleObject)]
#[graphql(name = "APITokenKindCount")]
pub(crate) struct ApiTokenKindCount {
    /// The kind.
    kind: ApiTokenKind,
    /// How many.
    count: i32,
}

/// How many API tokens an owner has.
#[derive(SimpleObject)]
#[graphql(name = "APITokenOwnerCount")]
pub(crate) struct ApiTokenOwnerCount {
    /// The owner.
    owner: String,
    /// How many.
    count: i32,
}

impl From<TokenCounts> for ApiTokenCounts {
    fn from(counts: TokenCounts) -> Self {
        let of_status = |status: &Status| ApiTokenStatusCount {
            status: (*status).into(),
            count: saturated(counts.of_status(*status)),
        };
        let of_kind =
            |kind: &TokenKind| ApiTokenKindCount { kind: (*kind).into(), count: saturated(counts.of_kind(*kind)) };
        Self {
            counted_at: counts.counted_at.into(),
            total: saturated(counts.total()),
            by_status: Status::ALL.iter().map(of_status).collect(),
            by_kind: TokenKind::ALL.iter().map(of_kind).collect(),
            of_other_owners: saturated(counts.of_other_owners),
            without_owner: saturated(counts.without_owner),
            by_owner: counts
                .by_owner
                .into_iter()
                .map(|(owner, count)| ApiTokenOwnerCount { owner, count: saturated(count) })
                .collect(),
        }
    }
}
