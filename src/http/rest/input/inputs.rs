//! What clients of the REST doors send: the inputs of the GraphQL schema under the same names, field by field.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::domain::listing::{Filter, Order, OrderField};
use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{OverlapStart, Permission, ReusePolicy, SettingsChange, SettingsDraft, TokenKind};
use crate::http::reply::Rejection;
use crate::service::{CreateRequest, PageRequest};

use super::fields::{Fields, Input, Readable};

/// A struct whose fields are read by their names and described under them.
macro_rules! input {
    ($(#[$meta:meta])* $name:ident with $attribute:ident {
        $($(#[doc = $doc:literal])* $key:literal => $field:ident: $type:ty as $told:ty,)*
    }) => {
        $(#[$meta])*
        pub(crate) struct $name {
            $($(#[doc = $doc])* #[$attribute(rename = $key, value_type = $told)] pub(crate) $field: $type,)*
        }

        impl Input for $name {
            fn take(fields: &mut Fields) -> Result<Self, Rejection> {
                $(let $field = fields.take($key);)*
                Ok(Self { $($field: $field?,)* })
            }
        }
    };
}

input! {
    /// The settings of a new API token. With `cloneSettingsFrom`, what is left out is as it is there.
    #[derive(ToSchema)]
    #[schema(as = CreateAPITokenInput)]
    CreateInput with schema {
        /// A name for people: one line of 1 to 255 characters, of which one at least is visible and none changes the direction of text.
        "name" => name: String as String,
        /// The id of the API token whose settings fill in what is left out here, but for name and expiry. Another's needs
        /// `API_TOKEN_READ`.
        "cloneSettingsFrom" => clone_settings_from: Option<String> as Option<String>,
        /// What the token is for: at most 2,000 characters.
        "description" => description: Option<Option<String>> as Option<String>,
        /// Whose token it is: any string of yours, one line like a name.
        "owner" => owner: Option<Option<String>> as Option<String>,
        /// Who will hold it; `PRIVATE` if left out.
        "kind" => kind: Option<TokenKind> as Option<TokenKind>,
        /// What it may do to Rotakey itself; nothing if left out. You cannot give what you do not hold.
        "permissions" => permissions: Option<Vec<Permission>> as Option<Vec<Permission>>,
        /// What it may do to the API it protects, one scope an item (RFC 6749 section 3.3). You cannot give what you do not
        /// hold.
        "scopes" => scopes: Option<Vec<String>> as Option<Vec<String>>,
        /// From which networks it may be used, in CIDR notation, at most 100 that do not overlap; all if left out or empty.
        "allowedCIDRBlocks" => allowed_cidr_blocks: Option<Vec<String>> as Option<Vec<String>>,
        /// From which web origins it may be used, such as `https://app.example.com` or `https://*.example.com`, at most 100;
        /// all if left out or empty.
        "allowedOrigins" => allowed_origins: Option<Vec<String>> as Option<Vec<String>>,
        /// The end of its life, which no rotation moves; none if left out.
        "expiresAt" => expires_at: Option<Timestamp> as Option<Timestamp>,
        /// The longest time it may go without being rotated, in minutes, at least 1; none if left out.
        "rotationPeriodMinutes" => rotation_period_minutes: Option<Option<i32>> as Option<i32>,
        /// How long the previous value still works after a rotation, in minutes: 0 to one whole rotation period, 10 if left
        /// out. With 0 and `ROTATION`, a client whose answer to a rotation is lost is locked out.
        "overlapMinutes" => overlap_minutes: Option<i32> as Option<i32>,
        /// From when on the overlap is counted; `ROTATION` if left out.
        "overlapStarts" => overlap_starts: Option<OverlapStart> as Option<OverlapStart>,
        /// What happens when a value of it is presented that works no more; `ALERT` if left out.
        "onReuse" => on_reuse: Option<ReusePolicy> as Option<ReusePolicy>,
        /// Whether it cannot be revoked until this is taken back; false if left out.
        "protected" => protected: Option<bool> as Option<bool>,
    }
}

impl From<CreateInput> for CreateRequest {
    fn from(input: CreateInput) -> Self {
        let draft = SettingsDraft {
            name: input.name,
            description: input.description,
            owner: input.owner,
            kind: input.kind,
            permissions: input.permissions,
            scopes: input.scopes,
            allowed_cidr_blocks: input.allowed_cidr_blocks,
            allowed_origins: input.allowed_origins,
            expires_at: input.expires_at,
            rotation_period_minutes: input.rotation_period_minutes,
            overlap_minutes: input.overlap_minutes,
            overlap_starts: input.overlap_starts,
            on_reuse: input.on_reuse,
            protected: input.protected,
        };
        Self { draft, clone_settings_from: input.clone_settings_from }
    }
}

input! {
    /// What is to be changed of an API token. What is left out stays as it is. Kind, expiry, rotation period and overlap are
    /// fixed at creation.
    #[derive(ToSchema)]
    #[schema(as = UpdateAPITokenInput)]
    UpdateInput with schema {
        /// A name for people: one line of 1 to 255 characters, of which one at least is visible and none changes the direction of text.
        "name" => name: Option<String> as Option<String>,
        /// What the token is for: at most 2,000 characters; null for nothing.
        "description" => description: Option<Option<String>> as Option<String>,
        /// Whose token it is: any string of yours, one line like a name; null for nobody's.
        "owner" => owner: Option<Option<String>> as Option<String>,
        /// What it may do to Rotakey itself. You cannot give what you do not hold.
        "permissions" => permissions: Option<Vec<Permission>> as Option<Vec<Permission>>,
        /// What it may do to the API it protects, one scope an item (RFC 6749 section 3.3). You cannot give what you do not
        /// hold.
        "scopes" => scopes: Option<Vec<String>> as Option<Vec<String>>,
        /// From which networks it may be used, in CIDR notation, at most 100 that do not overlap; all if empty.
        "allowedCIDRBlocks" => allowed_cidr_blocks: Option<Vec<String>> as Option<Vec<String>>,
        /// From which web origins it may be used, such as `https://app.example.com` or `https://*.example.com`, at most 100;
        /// all if empty.
        "allowedOrigins" => allowed_origins: Option<Vec<String>> as Option<Vec<String>>,
        /// What happens when a value of it is presented that works no more.
        "onReuse" => on_reuse: Option<ReusePolicy> as Option<ReusePolicy>,
        /// Whether it cannot be revoked until this is taken back.
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
            protected: input.protected,
        }
    }
}

input! {
    /// How to rotate an API token.
    #[derive(ToSchema)]
    #[schema(as = RotateAPITokenInput)]
    RotateInput with schema {
        /// A shorter overlap for this rotation, in minutes, from 0 to the token's own. 0 ends the old value at once, as one
        /// wants when it leaked; a client whose answer is lost is then locked out.
        "overlapMinutes" => overlap_minutes: Option<i32> as Option<i32>,
        /// Your name for this rotation, 1 to 255 printable ASCII characters. The same request with the same key and the same
        /// old value gets the same new value again, until that is first used. Goes before the `Idempotency-Key` header.
        "idempotencyKey" => idempotency_key: Option<String> as Option<String>,
    }
}

/// Nothing: this address takes no field.
#[derive(ToSchema)]
pub(crate) struct NoInput {}

impl Input for NoInput {
    fn take(_fields: &mut Fields) -> Result<Self, Rejection> {
        Ok(Self {})
    }
}

input! {
    /// Which page of which API tokens. Every condition that is given must hold.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    ListInput with param {
        /// How many from the front, 1 to 200; excludes `last`. Without either, 25 from the front.
        "first" => first: Option<i32> as Option<i32>,
        /// Only what follows this cursor.
        "after" => after: Option<String> as Option<String>,
        /// How many from the back, 1 to 200; excludes `first`.
        "last" => last: Option<i32> as Option<i32>,
        /// Only what precedes this cursor.
        "before" => before: Option<String> as Option<String>,
        /// Those whose status is one of these; separated by commas, or the parameter repeated.
        "status" => status: Option<Vec<Status>> as Option<Vec<Status>>,
        /// Those whose name contains this text, ASCII letters of either case alike.
        "name" => name: Option<String> as Option<String>,
        /// Those of exactly this owner.
        "owner" => owner: Option<String> as Option<String>,
        /// Those of this kind.
        "kind" => kind: Option<TokenKind> as Option<TokenKind>,
        /// In what order; with `-` the greatest or the newest first. `createdAt` if left out.
        "orderBy" => order_by: Option<Order> as Option<Order>,
    }
}

impl From<ListInput> for PageRequest {
    fn from(input: ListInput) -> Self {
        let ListInput { first, after, last, before, status, name, owner, kind, order_by } = input;
        let filter = Filter { status: status.map(BTreeSet::from_iter), name, owner, kind };
        Self { first, after, last, before, filter, order: order_by.unwrap_or_default() }
    }
}

/// The names of orders.
pub(crate) const ORDERS: [(&str, Order); 4] = [
    ("createdAt", Order { field: OrderField::CreatedAt, descending: false }),
    ("-createdAt", Order { field: OrderField::CreatedAt, descending: true }),
    ("name", Order { field: OrderField::Name, descending: false }),
    ("-name", Order { field: OrderField::Name, descending: true }),
];

impl Readable for Order {
    fn must_be() -> String {
        format!("one of {}", ORDERS.map(|(name, _)| name).join(", "))
    }

    fn read(value: Value) -> Option<Self> {
        ORDERS.into_iter().find(|(name, _)| value == *name).map(|(_, order)| order)
    }
}
