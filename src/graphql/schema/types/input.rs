//! What clients send.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::domain::listing::{Filter, Order};
use crate::domain::token::{self, SettingsChange, SettingsDraft};
use crate::service::{CreateRequest, RotateRequest};

use super::leaf::date_time::DateTime;
use super::leaf::enums::{
    ApiTokenKind, ApiTokenOrderField, ApiTokenStatus, OrderDirection, OverlapStart, Permission, ReusePolicy,
};

/// The settings of a new API token. With `cloneSettingsFrom`, what is left out is as it is there.
#[derive(InputObject)]
#[graphql(name = "CreateAPITokenInput")]
pub(crate) struct CreateApiTokenInput {
    /// A name for people: one line of 1 to 255 characters, of which one at least is visible and none changes the direction of text.
    name: String,
    /// The API token whose settings fill in what is left out here, but for name and expiry. Another's needs
    /// `API_TOKEN_READ`.
    clone_settings_from: Option<ID>,
    /// What the token is for: at most 2,000 characters.
    description: MaybeUndefined<String>,
    /// Whose token it is: any string of yours, one line like a name.
    owner: MaybeUndefined<String>,
    /// Who will hold it; `PRIVATE` if left out.
    kind: Option<ApiTokenKind>,
    /// What it may do to Rotakey itself; nothing if left out. You cannot give what you do not hold.
    permissions: Option<Vec<Permission>>,
    /// What it may do to the API it protects, one scope an item (RFC 6749 section 3.3). You cannot give what you do not hold.
    scopes: Option<Vec<String>>,
    /// From which networks it may be used, in CIDR notation, at most 100 that do not overlap; all if left out or empty.
    #[graphql(name = "allowedCIDRBlocks")]
    allowed_cidr_blocks: Option<Vec<String>>,
    /// From which web origins it may be used, such as `https://app.example.com` or `https://*.example.com`, at most 100; all
    /// if left out or empty.
    allowed_origins: Option<Vec<String>>,
    /// The end of its life, which no rotation moves; none if left out.
    expires_at: Option<DateTime>,
    /// The longest time it may go without being rotated, in minutes, at least 1; none if left out.
    rotation_period_minutes: MaybeUndefined<i32>,
    /// How long the previous value still works after a rotation, in minutes: 0 to one whole rotation period, 10 if left out.
    /// With 0 and `ROTATION`, a client whose answer to a rotation is lost is locked out.
    overlap_minutes: Option<i32>,
    /// From when on the overlap is counted; `ROTATION` if left out.
    overlap_starts: Option<OverlapStart>,
    /// What happens when a value of it is presented that works no more; `ALERT` if left out.
    on_reuse: Option<ReusePolicy>,
    /// Whether it cannot be revoked until this is taken back; false if left out.
    protected: Option<bool>,
}

impl From<CreateApiTokenInput> for CreateRequest {
    fn from(input: CreateApiTokenInput) -> Self {
        let draft = SettingsDraft {
            name: input.name,
            description: asked(input.description),
            owner: asked(input.owner),
            kind: input.kind.map(Into::into),
            permissions: input.permissions.map(permissions),
            scopes: input.scopes,
            allowed_cidr_blocks: input.allowed_cidr_blocks,
            allowed_origins: input.allowed_origins,
            expires_at: input.expires_at.map(|DateTime(at)| at),
            rotation_period_minutes: asked(input.rotation_period_minutes),
            overlap_minutes: input.overlap_minutes,
            overlap_starts: input.overlap_starts.map(Into::into),
            on_reuse: input.on_reuse.map(Into::into),
            protected: input.protected,
        };
        Self { draft, clone_settings_from: input.clone_settings_from.map(|ID(id)| id) }
    }
}

/// What is to be changed of an API token. What is left out stays as it is. Kind, expiry, rotation period and overlap are
/// fixed at creation.
#[derive(InputObject)]
#[graphql(name = "UpdateAPITokenInput")]
pub(crate) struct UpdateApiTokenInput {
    /// The API token to change.
    pub(crate) id: ID,
    /// A name for people: one line of 1 to 255 characters, of which one at least is visible and none changes the direction of text.
    name: Option<String>,
    /// What the token is for: at most 2,000 characters; null for nothing.
    description: MaybeUndefined<String>,
    /// Whose token it is: any string of yours, one line like a name; null for nobody's.
    owner: MaybeUndefined<String>,
    /// What it may do to Rotakey itself. You cannot give what you do not hold.
    permissions: Option<Vec<Permission>>,
    /// What it may do to the API it protects, one scope an item (RFC 6749 section 3.3). You cannot give what you do not hold.
    scopes: Option<Vec<String>>,
    /// From which networks it may be used, in CIDR notation, at most 100 that do not overlap; all if empty.
    #[graphql(name = "allowedCIDRBlocks")]
    allowed_cidr_blocks: Option<Vec<String>>,
    /// From which web origins it may be used, such as `https://app.example.com` or `https://*.example.com`, at most 100; all
    /// if empty.
    allowed_origins: Option<Vec<String>>,
    /// What happens when a value of it is presented that works no more.
    on_reuse: Option<ReusePolicy>,
    /// Whether it cannot be revoked until this is taken back.
    protected: Option<bool>,
}

impl From<UpdateApiTokenInput> for SettingsChange {
    fn from(input: UpdateApiTokenInput) -> Self {
        Self {
            name: input.name,
            description: asked(input.description),
            owner: asked(input.owner),
            permissions: input.permissions.map(permissions),
            scopes: input.scopes,
            allowed_cidr_blocks: input.allowed_cidr_blocks,
            allowed_origins: input.allowed_origins,
            on_reuse: input.on_reuse.map(Into::into),
            protected: input.protected,
        }
    }
}

/// Which API token to rotate, and how.
#[derive(InputObject)]
#[graphql(name = "RotateAPITokenInput")]
pub(crate) struct RotateApiTokenInput {
    /// The API token to rotate; the caller's own if left out. Another's needs `API_TOKEN_MODIFY` and every
    /// permission and scope that it holds, and with permissions it must lie within the caller's own expiry, CIDR blocks and origins.
    id: Option<ID>,
    /// A shorter overlap for this rotation, in minutes, from 0 to the token's own. 0 ends the old value at once, as one wants
    /// when it leaked; a client whose answer is lost is then locked out.
    overlap_minutes: Option<i32>,
    /// Your name for this rotation, 1 to 255 printable ASCII characters. The same request with the same key and the same old
    /// value gets the same new value again, until that is first used or the overlap is over. Goes before the `Idempotency-Key` header.
    idempotency_key: Option<String>,
}

impl From<RotateApiTokenInput> for RotateRequest {
    fn from(input: RotateApiTokenInput) -> Self {
        Self {
            id: input.id.map(|ID(id)| id),
            overlap_minutes: input.overlap_minutes,
            idempotency_key: input.idempotency_key,
            require_period: false,
        }
    }
}

/// Which API token's overlap to end.
#[derive(InputObject)]
#[graphql(name = "EndAPITokenOverlapInput")]
pub(crate) struct EndApiTokenOverlapInput {
    /// The API token whose previous value shall stop working now. One's own needs no permission if it is private, another's
    /// `API_TOKEN_MODIFY` and every permission that it holds.
    pub(crate) id: ID,
}

/// Which API token to revoke.
#[derive(InputObject)]
#[graphql(name = "RevokeAPITokenInput")]
pub(crate) struct RevokeApiTokenInput {
    /// The API token to revoke, for ever. One's own needs no permission, another's `API_TOKEN_MODIFY` and every
    /// permission that it holds.
    pub(crate) id: ID,
}

/// Which API tokens to list. Every condition that is given must hold.
#[derive(InputObject)]
#[graphql(name = "APITokenFilter")]
pub(crate) struct ApiTokenFilter {
    /// Those whose status is one of these.
    status: Option<Vec<ApiTokenStatus>>,
    /// Those whose name contains this text, ASCII letters of either case alike.
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

/// In what order to list API tokens.
#[derive(InputObject)]
#[graphql(name = "APITokenOrder")]
pub(crate) struct ApiTokenOrder {
    /// By what.
    field: ApiTokenOrderField,
    /// Which end comes first.
    direction: OrderDirection,
}

impl From<ApiTokenOrder> for Order {
    fn from(order: ApiTokenOrder) -> Self {
        Self { field: order.field.into(), descending: order.direction == OrderDirection::Desc }
    }
}

/// What was left out is `None`, what was expressly null is an inner `None`.
fn asked<T>(field: MaybeUndefined<T>) -> Option<Option<T>> {
    match field {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

fn permissions(permissions: Vec<Permission>) -> Vec<token::Permission> {
    permissions.into_iter().map(Into::into).collect()
}
