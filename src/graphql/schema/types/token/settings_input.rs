//! The inputs that create or change an API token: every setting in each, side by side.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::domain::token::{self, SettingsChange, SettingsDraft};
use crate::graphql::schema::types::leaf::date_time::DateTime;
use crate::graphql::schema::types::leaf::enums::{
    ApiTokenKind, LeakPolicy, OverlapEnd, OverlapStart, Permission, ReusePolicy,
};
use crate::service::CreateRequest;

/// The settings of a new API token. With `cloneSettingsFrom`, fields that are left out are copied from that token.
#[derive(InputObject)]
#[graphql(name = "CreateAPITokenInput")]
pub(crate) struct CreateApiTokenInput {
    /// A name for people: one line of 1 to 255 characters. At least one must be visible, and none may change the
    /// direction of text.
    name: String,
    /// Another API token. Fields that you leave out are copied from it, except `name`, `notBefore` and `expiresAt`. If it
    /// is not your own, this needs `API_TOKEN_READ`.
    clone_settings_from: Option<ID>,
    /// What the token is for: at most 2,000 characters.
    description: MaybeUndefined<String>,
    /// Whose token it is: any text of yours, with the limits of `name`.
    owner: MaybeUndefined<String>,
    /// Whether it is private or public; `PRIVATE` if left out.
    kind: Option<ApiTokenKind>,
    /// What it may do to Rotakey itself; nothing if left out. You cannot give a permission that you do not have.
    permissions: Option<Vec<Permission>>,
    /// What it may do to your API, one scope per item (RFC 6749 section 3.3). You cannot give a scope that you do
    /// not have.
    scopes: Option<Vec<String>>,
    /// The networks from which it may be used, in CIDR notation: at most 100 that do not overlap; all if left out or
    /// empty.
    #[graphql(name = "allowedCIDRBlocks")]
    allowed_cidr_blocks: Option<Vec<String>>,
    /// The web origins from which it may be used, such as `https://app.example.com` or `https://*.example.com`: at
    /// most 100; all if left out or empty.
    allowed_origins: Option<Vec<String>>,
    /// When it starts to work: a time before `expiresAt`, and before its first rotation period ends, which begins at its
    /// creation. If left out, it works at once.
    not_before: Option<DateTime>,
    /// When it expires. Rotation does not change this. If left out, it never expires.
    expires_at: Option<DateTime>,
    /// The longest time it may go without being rotated, in minutes, at least 1; unlimited if left out.
    rotation_period_minutes: MaybeUndefined<i32>,
    /// How long the previous value still works after a rotation, in minutes: 0 to one whole rotation period; 10 if
    /// left out. With 0 and `ROTATION`, a client that loses the answer to a rotation is locked out.
    overlap_minutes: Option<i32>,
    /// When the overlap starts; `ROTATION` if left out.
    overlap_starts: Option<OverlapStart>,
    /// When the overlap ends; `ON_TIME` if left out.
    overlap_ends: Option<OverlapEnd>,
    /// For how many minutes a value must not have been used before `endAPITokenOverlap`, or a rotation with an
    /// `overlapMinutes` of 0, retires it without `force`; and before it retires with `WHEN_SILENT`. At most
    /// `overlapMinutes`, except with `FIRST_USE` and `ON_TIME`. 5 if left out, or a shorter `overlapMinutes`. With 0, a
    /// value may be retired at any time.
    silent_minutes: Option<i32>,
    /// What happens when a client sends one of its retired values; `ALERT` if left out.
    on_reuse: Option<ReusePolicy>,
    /// What happens when a value of it that works is reported to have leaked; `ALERT` if left out.
    on_leak: Option<LeakPolicy>,
    /// Your key/value pairs, each key once: at most 16, and 2,048 bytes of keys and values together; none if left out.
    metadata: Option<Vec<MetadataEntryInput>>,
    /// Whether it is protected from revocation and suspension; false if left out.
    protected: Option<bool>,
}

impl From<CreateApiTokenInput> for CreateRequest {
    fn from(input: CreateApiTokenInput) -> Self {
        let change = SettingsChange {
            name: Some(input.name),
            description: requested(input.description),
            owner: requested(input.owner),
            permissions: input.permissions.map(permissions),
            scopes: input.scopes,
            allowed_cidr_blocks: input.allowed_cidr_blocks,
            allowed_origins: input.allowed_origins,
            on_reuse: input.on_reuse.map(Into::into),
            on_leak: input.on_leak.map(Into::into),
            metadata: input.metadata.map(pairs),
            protected: input.protected,
        };
        let draft = SettingsDraft {
            change,
            kind: input.kind.map(Into::into),
            not_before: input.not_before.map(|DateTime(at)| at),
            expires_at: input.expires_at.map(|DateTime(at)| at),
            rotation_period_minutes: requested(input.rotation_period_minutes),
            overlap_minutes: input.overlap_minutes,
            overlap_starts: input.overlap_starts.map(Into::into),
            overlap_ends: input.overlap_ends.map(Into::into),
            silent_minutes: input.silent_minutes,
        };
        Self { draft, clone_settings_from: input.clone_settings_from.map(|ID(id)| id) }
    }
}

/// The changes to an API token. Fields that are left out stay as they are. Kind, expiry, rotation period and overlap are
/// fixed at creation.
#[derive(InputObject)]
#[graphql(name = "UpdateAPITokenInput")]
pub(crate) struct UpdateApiTokenInput {
    /// The API token to change.
    pub(crate) id: ID,
    /// A name for people: one line of 1 to 255 characters. At least one must be visible, and none may change the
    /// direction of text.
    name: Option<String>,
    /// What the token is for: at most 2,000 characters; null removes it.
    description: MaybeUndefined<String>,
    /// Whose token it is: any text of yours, with the limits of `name`; null removes it.
    owner: MaybeUndefined<String>,
    /// What it may do to Rotakey itself. You cannot give a permission that you do not have.
    permissions: Option<Vec<Permission>>,
    /// What it may do to your API, one scope per item (RFC 6749 section 3.3). You cannot give a scope that you do
    /// not have.
    scopes: Option<Vec<String>>,
    /// The networks from which it may be used, in CIDR notation: at most 100 that do not overlap; all if empty.
    #[graphql(name = "allowedCIDRBlocks")]
    allowed_cidr_blocks: Option<Vec<String>>,
    /// The web origins from which it may be used, such as `https://app.example.com` or `https://*.example.com`: at
    /// most 100; all if empty.
    allowed_origins: Option<Vec<String>>,
    /// What happens when a client sends one of its retired values.
    on_reuse: Option<ReusePolicy>,
    /// What happens when a value of it that works is reported to have leaked.
    on_leak: Option<LeakPolicy>,
    /// Your key/value pairs, which replace all that it has: at most 16, and 2,048 bytes of keys and values together.
    metadata: Option<Vec<MetadataEntryInput>>,
    /// Whether it is protected from revocation and suspension. To revoke or suspend it, set this to false first.
    protected: Option<bool>,
}

impl From<UpdateApiTokenInput> for SettingsChange {
    fn from(input: UpdateApiTokenInput) -> Self {
        Self {
            name: input.name,
            description: requested(input.description),
            owner: requested(input.owner),
            permissions: input.permissions.map(permissions),
            scopes: input.scopes,
            allowed_cidr_blocks: input.allowed_cidr_blocks,
            allowed_origins: input.allowed_origins,
            on_reuse: input.on_reuse.map(Into::into),
            on_leak: input.on_leak.map(Into::into),
            metadata: input.metadata.map(pairs),
            protected: input.protected,
        }
    }
}

/// One of your key/value pairs on an API token.
#[derive(InputObject)]
pub(crate) struct MetadataEntryInput {
    /// The key: 1 to 64 ASCII letters, digits and the characters `.`, `_`, `-` and `/`.
    key: String,
    /// The value: one line, which may be empty.
    value: String,
}

/// A field that was left out is `None`; an explicit null is `Some(None)`.
pub(crate) fn requested<T>(field: MaybeUndefined<T>) -> Option<Option<T>> {
    match field {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

pub(crate) fn permissions(permissions: Vec<Permission>) -> Vec<token::Permission> {
    permissions.into_iter().map(Into::into).collect()
}

pub(crate) fn pairs(entries: Vec<MetadataEntryInput>) -> Vec<(String, String)> {
    entries.into_iter().map(|MetadataEntryInput { key, value }| (key, value)).collect()
}
