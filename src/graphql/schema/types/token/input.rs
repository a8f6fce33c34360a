//! The inputs other than the settings of an API token.

use async_graphql::{ID, InputObject};

use crate::domain::listing::{Filter, Order};
use crate::domain::reason::ReasonDraft;
use crate::graphql::schema::types::leaf::enums::{ApiTokenKind, ApiTokenOrderField, ApiTokenStatus, OrderDirection};
use crate::service::RotateRequest;

/// The API token to rotate, and how.
#[derive(InputObject)]
#[graphql(name = "RotateAPITokenInput")]
pub(crate) struct RotateApiTokenInput {
    /// The API token to rotate; the caller's own if left out. For another token, you need `API_TOKEN_MODIFY` and
    /// every permission and scope that it has. If it has permissions, it must also be within your own expiry, CIDR
    /// blocks and origins.
    id: Option<ID>,
    /// A shorter overlap for this rotation, in minutes, from 0 to the token's own. With 0, the old value stops
    /// working at once, as you want if it leaked. But a client that loses the answer is then locked out.
    overlap_minutes: Option<i32>,
    /// With an `overlapMinutes` of 0: whether to rotate although the old value was used within the token's
    /// `silentMinutes`. Without, that is refused with `STILL_IN_USE`. Set it to true if the value leaked.
    force: Option<bool>,
    /// Your name for this rotation: 1 to 255 printable ASCII characters. If you repeat the request with the same key
    /// and the same old value, you get the same new value again, until it is first used or the overlap ends. Takes
    /// precedence over the `Idempotency-Key` header.
    idempotency_key: Option<String>,
    /// Why, for the audit log: one line of 1 to 255 characters.
    reason: Option<String>,
    /// Where the evidence is, for the audit log: an address with `https` or `http`, of at most 2,000 characters, without a
    /// name and a password.
    #[graphql(name = "evidenceURL")]
    evidence_url: Option<String>,
}

impl From<RotateApiTokenInput> for RotateRequest {
    fn from(input: RotateApiTokenInput) -> Self {
        Self {
            id: input.id.map(|ID(id)| id),
            overlap_minutes: input.overlap_minutes,
            force: input.force.unwrap_or_default(),
            idempotency_key: input.idempotency_key,
            reason: ReasonDraft { text: input.reason, evidence_url: input.evidence_url },
            require_period: false,
        }
    }
}

/// The API token whose overlap to end.
#[derive(InputObject)]
#[graphql(name = "EndAPITokenOverlapInput")]
pub(crate) struct EndApiTokenOverlapInput {
    /// The API token whose previous value stops working now. Your own needs no permission if it is private. For
    /// another token, you need `API_TOKEN_MODIFY` and every permission that it has.
    pub(crate) id: ID,
    /// Whether to end it although the previous value was used within the token's `silentMinutes`. Set it to true if
    /// the value leaked.
    pub(crate) force: Option<bool>,
}

/// Which API token to revoke.
#[derive(InputObject)]
#[graphql(name = "RevokeAPITokenInput")]
pub(crate) struct RevokeApiTokenInput {
    /// The API token to revoke, which is final. Your own needs no permission. For another token, you need
    /// `API_TOKEN_MODIFY` and every permission that it has.
    pub(crate) id: ID,
    /// Why, for the audit log: one line of 1 to 255 characters.
    pub(crate) reason: Option<String>,
    /// Where the evidence is, for the audit log: an address with `https` or `http`, of at most 2,000 characters, without a
    /// name and a password.
    #[graphql(name = "evidenceURL")]
    pub(crate) evidence_url: Option<String>,
}

/// Which API token to suspend.
#[derive(InputObject)]
#[graphql(name = "SuspendAPITokenInput")]
pub(crate) struct SuspendApiTokenInput {
    /// The API token to suspend. Your own needs no permission, but you cannot resume it with its own value. For another
    /// token, you need `API_TOKEN_MODIFY` and every permission that it has.
    pub(crate) id: ID,
    /// Why, for the audit log: one line of 1 to 255 characters.
    pub(crate) reason: Option<String>,
    /// Where the evidence is, for the audit log: an address with `https` or `http`, of at most 2,000 characters, without a
    /// name and a password.
    #[graphql(name = "evidenceURL")]
    pub(crate) evidence_url: Option<String>,
}

/// Which API token to resume.
#[derive(InputObject)]
#[graphql(name = "ResumeAPITokenInput")]
pub(crate) struct ResumeApiTokenInput {
    /// The API token to resume. You need `API_TOKEN_MODIFY` and every permission and scope that it has. If it has
    /// permissions, it must also be within your own expiry, CIDR blocks and origins.
    pub(crate) id: ID,
}

/// Which API tokens to list. A token must meet every condition that you give.
#[derive(InputObject)]
#[graphql(name = "APITokenFilter")]
pub(crate) struct ApiTokenFilter {
    /// Those whose status is one of these.
    status: Option<Vec<ApiTokenStatus>>,
    /// Those whose name contains this text. The case of ASCII letters is ignored.
    name: Option<String>,
    /// Those of exactly this owner.
    owner: Option<String>,
    /// Those of this kind.
    kind: Option<ApiTokenKind>,
}

impl From<ApiTokenFilter> for Filter {
    fn from(filter: ApiTokenFilter) -> Self {
        Self {
            status: filter.status.map(|statuses| statuses.into_iter().map(Into::into).collect()),
            name: filter.name,
            owner: filter.owner,
            kind: filter.kind.map(Into::into),
        }
    }
}

/// The order in which to list API tokens.
#[derive(InputObject)]
#[graphql(name = "APITokenOrder")]
pub(crate) struct ApiTokenOrder {
    /// The field to order by.
    field: ApiTokenOrderField,
    /// Ascending or descending.
    direction: OrderDirection,
}

impl From<ApiTokenOrder> for Order {
    fn from(order: ApiTokenOrder) -> Self {
        Self { field: order.field.into(), descending: order.direction == OrderDirection::Desc }
    }
}
