//! An API token in REST responses, and the inputs to create and update one. All settings are in each of the three, under the names of
//! the GraphQL schema.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{
    LeakPolicy, OverlapEnd, OverlapStart, Permission, ReusePolicy, SettingsChange, SettingsDraft, TokenKind, ValueFacts,
};
use crate::domain::value::Value;
use crate::domain::value_use::UNUSED;
use crate::http::rejection::Rejection;
use crate::service::{CreateRequest, Issued, View};

use super::input::{Fields, Input, input};
use super::token_value::{Actor, ApiTokenValue, MetadataEntry, ValueUses};

/// An API token: an id, a name and settings. It survives every rotation, and its id never changes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APIToken)]
pub(super) struct ApiToken {
    /// Its id, which never changes. Ids sort by creation.
    id: String,
    /// A name for people.
    name: String,
    /// What the token is for.
    #[schema(required)]
    description: Option<String>,
    /// Whose token it is: any text of yours, such as a customer, a user or a service.
    #[schema(required)]
    owner: Option<String>,
    /// Who holds it, and so who may rotate it. Fixed at creation.
    #[schema(value_type = TokenKind)]
    kind: &'static str,
    /// Its status at the time of this response.
    #[schema(value_type = Status)]
    status: &'static str,
    /// What it may do to Rotakey itself.
    #[schema(value_type = Vec<Permission>)]
    permissions: Vec<&'static str>,
    /// What it may do to the API it protects, in the scope syntax of RFC 6749; `*` covers all.
    scopes: Vec<String>,
    /// The networks from which it may be used, in CIDR notation; an empty list allows all.
    #[serde(rename = "allowedCIDRBlocks")]
    allowed_cidr_blocks: Vec<String>,
    /// The web origins from which it may be used; an empty list allows all.
    allowed_origins: Vec<String>,
    /// The number of its current value: 1 at creation, and incremented by each rotation.
    generation: u32,
    /// Its current value and, during an overlap, the previous one. The secret itself is never included.
    values: Vec<ApiTokenValue>,
    /// When it was created.
    #[schema(value_type = Timestamp)]
    created_at: String,
    /// Who created it.
    created_by: Actor,
    /// When its settings were last changed; null if never.
    #[schema(required, value_type = Option<Timestamp>)]
    updated_at: Option<String>,
    /// Who last changed its settings; null if never changed.
    #[schema(required)]
    updated_by: Option<Actor>,
    /// When it was last rotated; null if never.
    #[schema(required, value_type = Option<Timestamp>)]
    rotated_at: Option<String>,
    /// Who last rotated it; null if never rotated.
    #[schema(required)]
    rotated_by: Option<Actor>,
    /// When one of its values was last used successfully; up to a minute old.
    #[schema(required, value_type = Option<Timestamp>)]
    last_used_at: Option<String>,
    /// When it starts to work. Fixed at creation; null if it works at once.
    #[schema(required, value_type = Option<Timestamp>)]
    not_before: Option<String>,
    /// When it expires. Rotation does not change this. Fixed at creation; null if it never expires.
    #[schema(required, value_type = Option<Timestamp>)]
    expires_at: Option<String>,
    /// The longest time it may go without being rotated, in minutes. Fixed at creation; null if unlimited.
    #[schema(required)]
    rotation_period_minutes: Option<u32>,
    /// The deadline of the next rotation. If it is missed, the token no longer works. Null without a rotation period.
    #[schema(required, value_type = Option<Timestamp>)]
    rotate_by: Option<String>,
    /// How long the previous value still works after a rotation, in minutes. Fixed at creation.
    overlap_minutes: u32,
    /// When the overlap starts. Fixed at creation.
    #[schema(value_type = OverlapStart)]
    overlap_starts: &'static str,
    /// When the overlap ends. Fixed at creation.
    #[schema(value_type = OverlapEnd)]
    overlap_ends: &'static str,
    /// For how many minutes a value must not have been used before it can be retired without `force`, or retires because it is silent. Fixed at
    /// creation; 0 if it may be retired at any time.
    silent_minutes: u32,
    /// What happens when a client uses a retired value.
    #[schema(value_type = ReusePolicy)]
    on_reuse: &'static str,
    /// What happens when a value of it that works is reported to have leaked.
    #[schema(value_type = LeakPolicy)]
    on_leak: &'static str,
    /// Your key/value pairs, by key. Rotakey gives them no meaning.
    metadata: Vec<MetadataEntry>,
    /// Whether it is protected from revocation and suspension. To revoke or suspend it, set this to false first.
    protected: bool,
    /// When it was revoked; null if it is not revoked.
    #[schema(required, value_type = Option<Timestamp>)]
    revoked_at: Option<String>,
    /// Since when it is suspended; null if it is not suspended.
    #[schema(required, value_type = Option<Timestamp>)]
    suspended_at: Option<String>,
    /// The new value, only in the response that issues it. Store it now: it is never shown again.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "serialize_value")]
    #[schema(value_type = String, required = false)]
    value: Option<Value>,
}

/// An API token that was rotated.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RotatedAPIToken)]
pub(super) struct RotatedApiToken {
    #[serde(flatten)]
    token: ApiToken,
    /// The generation of the unused value that this rotation cancelled, because its response was lost or you rotated twice with the same
    /// value. Null if none was cancelled. A cancelled value does not work.
    #[schema(required)]
    cancelled_generation: Option<u32>,
}

impl From<Issued> for RotatedApiToken {
    fn from(issued: Issued) -> Self {
        Self { cancelled_generation: issued.cancelled_generation, token: issued.into() }
    }
}

impl From<View> for ApiToken {
    fn from(view: View) -> Self {
        Self::new(view, None)
    }
}

impl ApiToken {
    /// A token, and how its values are used if that is to be included.
    pub(super) fn new(View { token, status }: View, uses: Option<&ValueUses>) -> Self {
        let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let rotated_at = token.rotated_at();
        let rotate_by = token.rotate_by();
        let settings = &token.settings;
        let value = |value: &ValueFacts| {
            // A value that was deleted since it was read has no use.
            let used = uses.map(|uses| uses.get(&(token.id, value.generation)).unwrap_or(&UNUSED));
            ApiTokenValue::new(&token, value, used)
        };
        Self {
            id: token.id.to_string(),
            name: settings.name.to_string(),
            description: settings.description.as_deref().map(str::to_owned),
            owner: settings.owner.as_deref().map(str::to_owned),
            kind: settings.kind.as_str(),
            status: status.as_str(),
            permissions: settings.permissions.iter().map(Permission::as_str).collect(),
            scopes: settings.scopes.iter().map(str::to_owned).collect(),
            allowed_cidr_blocks: settings.allowed_cidr_blocks.iter().map(|block| block.to_string()).collect(),
            allowed_origins: settings.allowed_origins.iter().map(ToString::to_string).collect(),
            generation: token.current.generation,
            values: token.values().map(value).collect(),
            created_at: token.created_at.to_string(),
            created_by: token.created_by.into(),
            updated_at: moment(token.updated.map(|(at, _)| at)),
            updated_by: token.updated.map(|(_, actor)| actor.into()),
            rotated_at: moment(rotated_at),
            rotated_by: rotated_at.map(|_| token.current.created_by.into()),
            last_used_at: moment(token.last_used_at),
            not_before: moment(settings.not_before),
            expires_at: moment(settings.expires_at),
            rotation_period_minutes: settings.rotation_period_minutes,
            rotate_by: moment(rotate_by),
            overlap_minutes: settings.overlap_minutes,
            overlap_starts: settings.overlap_starts.as_str(),
            overlap_ends: settings.overlap_ends.as_str(),
            silent_minutes: settings.silent_minutes,
            on_reuse: settings.on_reuse.as_str(),
            on_leak: settings.on_leak.as_str(),
            metadata: settings.metadata.iter().map(MetadataEntry::from).collect(),
            protected: settings.protected,
            revoked_at: moment(token.revoked_at),
            suspended_at: moment(token.suspended_at),
            value: None,
        }
    }
}

impl From<Issued> for ApiToken {
    fn from(issued: Issued) -> Self {
        Self { value: Some(issued.value), ..issued.view.into() }
    }
}

/// Serialises a value into the response that issues it, and nowhere else (R9).
pub(super) fn serialize_value<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(Value::expose).serialize(serializer)
}

input! {
    /// The settings of a new API token. With `cloneSettingsFrom`, missing fields are copied from that token.
    #[derive(ToSchema)]
    #[schema(as = CreateAPITokenInput)]
    CreateInput with schema {
        /// A name for people: one line of 1 to 255 characters, at least one of them visible, and none that changes the
        /// direction of text.
        "name" => name: String as String,
        /// The id of an API token from which missing fields are copied, except name, `notBefore` and expiry. For a token other than your own, you
        /// need `API_TOKEN_READ`.
        "cloneSettingsFrom" => clone_settings_from: Option<String> as Option<String>,
        /// What the token is for: at most 2,000 characters.
        "description" => description: Option<Option<String>> as Option<String>,
        /// Whose token it is: any text of yours, one line like a name.
        "owner" => owner: Option<Option<String>> as Option<String>,
        /// Whether it is private or public; `PRIVATE` by default.
        "kind" => kind: Option<TokenKind> as Option<TokenKind>,
        /// What it may do to Rotakey itself; nothing by default. You cannot grant a permission that you do not have.
        "permissions" => permissions: Option<Vec<Permission>> as Option<Vec<Permission>>,
        /// What it may do to the API it protects, one scope per item (RFC 6749, section 3.3). You cannot grant a scope that you do not
        /// have.
        "scopes" => scopes: Option<Vec<String>> as Option<Vec<String>>,
        /// The networks from which it may be used, in CIDR notation: at most 100 that do not overlap. All by default, or if empty.
        "allowedCIDRBlocks" => allowed_cidr_blocks: Option<Vec<String>> as Option<Vec<String>>,
        /// The web origins from which it may be used, such as `https://app.example.com` or `https://*.example.com`: at most 100. All by
        /// default, or if empty.
        "allowedOrigins" => allowed_origins: Option<Vec<String>> as Option<Vec<String>>,
        /// When it starts to work: a time before `expiresAt`, and before its first rotation period ends, which begins at its creation. By
        /// default, it works at once.
        "notBefore" => not_before: Option<Timestamp> as Option<Timestamp>,
        /// When it expires. Rotation does not change this. By default, it never expires.
        "expiresAt" => expires_at: Option<Timestamp> as Option<Timestamp>,
        /// The longest time it may go without being rotated, in minutes, at least 1. Unlimited by default.
        "rotationPeriodMinutes" => rotation_period_minutes: Option<Option<i32>> as Option<i32>,
        /// How long the previous value still works after a rotation, in minutes: from 0 to one rotation period, 10 by default. With 0
        /// and `ROTATION`, a client that does not receive the response to a rotation is locked out.
        "overlapMinutes" => overlap_minutes: Option<i32> as Option<i32>,
        /// When the overlap starts; `ROTATION` by default.
        "overlapStarts" => overlap_starts: Option<OverlapStart> as Option<OverlapStart>,
        /// When the overlap ends; `ON_TIME` by default.
        "overlapEnds" => overlap_ends: Option<OverlapEnd> as Option<OverlapEnd>,
        /// For how many minutes a value must not have been used before ending the overlap, or a rotation with an `overlapMinutes` of 0,
        /// retires it without `force`; and before it retires with `WHEN_SILENT`. At most `overlapMinutes`, except with `FIRST_USE` and
        /// `ON_TIME`. 5 by default, or a shorter `overlapMinutes`. With 0, a value may be retired at any time.
        "silentMinutes" => silent_minutes: Option<i32> as Option<i32>,
        /// What happens when a client uses a retired value; `ALERT` by default.
        "onReuse" => on_reuse: Option<ReusePolicy> as Option<ReusePolicy>,
        /// What happens when a value of it that works is reported to have leaked; `ALERT` by default.
        "onLeak" => on_leak: Option<LeakPolicy> as Option<LeakPolicy>,
        /// Your key/value pairs, each key once, with at most 2,048 bytes of keys and values together; none by default.
        "metadata" => metadata: Option<Vec<MetadataEntry>> as Option<Vec<MetadataEntry>>,
        /// Whether it is protected from revocation and suspension; false by default.
        "protected" => protected: Option<bool> as Option<bool>,
    }
}

impl From<CreateInput> for CreateRequest {
    fn from(input: CreateInput) -> Self {
        let change = SettingsChange {
            name: Some(input.name),
            description: input.description,
            owner: input.owner,
            permissions: input.permissions,
            scopes: input.scopes,
            allowed_cidr_blocks: input.allowed_cidr_blocks,
            allowed_origins: input.allowed_origins,
            on_reuse: input.on_reuse,
            on_leak: input.on_leak,
            metadata: input.metadata.map(pairs),
            protected: input.protected,
        };
        let draft = SettingsDraft {
            change,
            kind: input.kind,
            not_before: input.not_before,
            expires_at: input.expires_at,
            rotation_period_minutes: input.rotation_period_minutes,
            overlap_minutes: input.overlap_minutes,
            overlap_starts: input.overlap_starts,
            overlap_ends: input.overlap_ends,
            silent_minutes: input.silent_minutes,
        };
        Self { draft, clone_settings_from: input.clone_settings_from }
    }
}

input! {
    /// The changes to an API token. Missing fields stay as they are. Kind, expiry, rotation period and overlap are fixed at creation.
    #[derive(ToSchema)]
    #[schema(as = UpdateAPITokenInput)]
    UpdateInput with schema {
        /// A name for people: one line of 1 to 255 characters, at least one of them visible, and none that changes the
        /// direction of text.
        "name" => name: Option<String> as Option<String>,
        /// What the token is for: at most 2,000 characters; null removes it.
        "description" => description: Option<Option<String>> as Option<String>,
        /// Whose token it is: any text of yours, one line like a name; null removes it.
        "owner" => owner: Option<Option<String>> as Option<String>,
        /// What it may do to Rotakey itself. You cannot grant a permission that you do not have.
        "permissions" => permissions: Option<Vec<Permission>> as Option<Vec<Permission>>,
        /// What it may do to the API it protects, one scope per item (RFC 6749, section 3.3). You cannot grant a scope that you do not
        /// have.
        "scopes" => scopes: Option<Vec<String>> as Option<Vec<String>>,
        /// The networks from which it may be used, in CIDR notation: at most 100 that do not overlap. All if empty.
        "allowedCIDRBlocks" => allowed_cidr_blocks: Option<Vec<String>> as Option<Vec<String>>,
        /// The web origins from which it may be used, such as `https://app.example.com` or `https://*.example.com`: at most 100. All if
        /// empty.
        "allowedOrigins" => allowed_origins: Option<Vec<String>> as Option<Vec<String>>,
        /// What happens when a client uses a retired value.
        "onReuse" => on_reuse: Option<ReusePolicy> as Option<ReusePolicy>,
        /// What happens when a value of it that works is reported to have leaked.
        "onLeak" => on_leak: Option<LeakPolicy> as Option<LeakPolicy>,
        /// Your key/value pairs, which replace all that it has, each key once, with at most 2,048 bytes of keys and values together.
        "metadata" => metadata: Option<Vec<MetadataEntry>> as Option<Vec<MetadataEntry>>,
        /// Whether it is protected from revocation and suspension. To revoke or suspend it, set this to false first.
        "protected" => protected: Option<bool> as Option<bool>,
    }
}

impl From<UpdateInput> for SettingsChange {
    fn from(input: UpdateInput) -> Self {
        Self {
            name: input.name,
            description: input.description,
            owner: input.owner,
            permissions: input.permissions,
            scopes: input.scopes,
            allowed_cidr_blocks: input.allowed_cidr_blocks,
            allowed_origins: input.allowed_origins,
            on_reuse: input.on_reuse,
            on_leak: input.on_leak,
            metadata: input.metadata.map(pairs),
            protected: input.protected,
        }
    }
}

pub(super) fn pairs(entries: Vec<MetadataEntry>) -> Vec<(String, String)> {
    entries.into_iter().map(Into::into).collect()
}
