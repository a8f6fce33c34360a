//! The inputs other than the settings of an API token.

use async_graphql::{ID, InputObject};

use crate::domain::id::TokenId;
use crate::domain::listing::{self, Filter, Order};
use crate::domain::reason::ReasonDraft;
use crate::domain::token::Metadata;
use crate::graphql::schema::types::leaf::date_time::DateTime;
use crate::graphql::schema::types::leaf::enums::{
    ApiTokenKind, ApiTokenOrderField, ApiTokenStatus, OrderDirection, Permission,
};
use crate::service::{Error, ReviveRequest, RotateRequest};

use super::settings_input::{MetadataEntryInput, pairs};

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
    /// Whether the old value fails again and again for some seconds during the last quarter of its overlap, with the code
    /// `BROWN_OUT`, so that a forgotten client is noticed while it still recovers. Only once the new value is used.
    brown_out: Option<bool>,
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
            brown_out: input.brown_out.unwrap_or_default(),
            force: input.force.unwrap_or_default(),
            idempotency_key: input.idempotency_key,
            reason: ReasonDraft { text: input.reason, evidence_url: input.evidence_url },
            require_period: false,
        }
    }
}

/// The API token to revive, and why.
#[derive(InputObject)]
#[graphql(name = "ReviveAPITokenInput")]
pub(crate) struct ReviveApiTokenInput {
    /// The API token to revive. You need `API_TOKEN_MODIFY` and every permission and scope that it has. If it has
    /// permissions, it must also be within your own expiry, CIDR blocks and origins.
    id: ID,
    /// Why, for the audit log: one line of 1 to 255 characters.
    reason: String,
    /// Where the evidence is, for the audit log: an address with `https` or `http`, of at most 2,000 characters, without a
    /// name and a password.
    #[graphql(name = "evidenceURL")]
    evidence_url: Option<String>,
    /// Your name for this revival: 1 to 255 printable ASCII characters. If you repeat the request with the same key and the
    /// same value of yours, you get the same new value again, until it is first used, and within the `overlapMinutes` of the
    /// API token. Takes precedence over the `Idempotency-Key` header.
    idempotency_key: Option<String>,
}

impl From<ReviveApiTokenInput> for ReviveRequest {
    fn from(input: ReviveApiTokenInput) -> Self {
        let ID(id) = input.id;
        let reason = ReasonDraft { text: Some(input.reason), evidence_url: input.evidence_url };
        Self { id, reason, idempotency_key: input.idempotency_key }
    }
}

/// The API token whose overlap to end.
#[derive(InputObject)]
#[graphql(name = "EndAPITokenOverlapInput")]
pub(crate) struct EndApiTokenOverlapInput {
    /// The API token whose previous value is retired now. Your own needs no permission if it is private. For
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

/// Which API tokens to list. A token must meet every condition that you give. An empty list restricts nothing.
#[derive(InputObject)]
#[graphql(name = "APITokenFilter")]
pub(crate) struct ApiTokenFilter {
    /// Those whose status is one of these.
    status: Option<Vec<ApiTokenStatus>>,
    /// Those whose name contains this text. The case of ASCII letters is ignored.
    name: Option<String>,
    /// Those whose name, owner or description contains this text. The case of ASCII letters is ignored.
    text: Option<String>,
    /// Those of exactly this owner.
    owner: Option<String>,
    /// Those of this kind.
    kind: Option<ApiTokenKind>,
    /// Those that have exactly this scope. Those with the scope `*` are only found by `*`.
    scope: Option<String>,
    /// Those that have this permission.
    permission: Option<Permission>,
    /// Those that were created by the holder of this API token.
    created_by: Option<ID>,
    /// Those that have all of these key/value pairs, each exactly.
    metadata: Option<Vec<MetadataEntryInput>>,
    /// Those that expire at this time or later. Those that never expire are left out.
    expires_after: Option<DateTime>,
    /// Those that expire, or have expired, before this time.
    expires_before: Option<DateTime>,
    /// Those whose `rotateBy` is before this time, also if it has passed.
    rotate_by_before: Option<DateTime>,
    /// Those that were created before this time and not used since then. Uses are known at most a minute late.
    unused_since: Option<DateTime>,
    /// Those whose overlap is running, so that their previous value has not been retired; with `false`, all others.
    overlap_running: Option<bool>,
    /// Those whose overlap is running, and whose previous value was used since the rotation, within the last so many
    /// minutes. Uses are known at most a minute late.
    previous_value_used_within_minutes: Option<i32>,
}

impl ApiTokenFilter {
    /// The filter for the use case.
    ///
    /// # Errors
    /// When a condition is invalid, or an id malformed.
    pub(crate) fn read(self) -> Result<Filter, Error> {
        let moment = |at: Option<DateTime>| at.map(|DateTime(at)| at);
        let malformed = Error::NotFound { field: "createdBy" };
        Ok(Filter {
            status: listing::list(self.status).map(|statuses| statuses.into_iter().map(Into::into).collect()),
            name: self.name,
            text: self.text,
            owner: self.owner,
            kind: self.kind.map(Into::into),
            scope: self.scope.as_deref().map(listing::scope).transpose()?,
            permission: self.permission.map(Into::into),
            created_by: self.created_by.map(|id| TokenId::parse(&id).ok_or(malformed)).transpose()?,
            metadata: listing::list(self.metadata).map(|entries| Metadata::parse(pairs(entries))).transpose()?,
            expires_after: moment(self.expires_after),
            expires_before: moment(self.expires_before),
            rotate_by_before: moment(self.rotate_by_before),
            unused_since: moment(self.unused_since),
            overlap_running: self.overlap_running,
            previous_value_used_within_minutes: self
                .previous_value_used_within_minutes
                .map(listing::minutes)
                .transpose()?,
        })
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
