//! The inputs of rotating and listing. Their fields have the names of the GraphQL schema.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::listing::{self, Filter, Order, OrderField};
use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Metadata, Permission, TokenKind};
use crate::http::rejection::Rejection;
use crate::service::{Error, PageRequest};

use super::fields::{Fields, Input, Readable, input};

input! {
    /// How to rotate an API token.
    #[derive(ToSchema)]
    #[schema(as = RotateAPITokenInput)]
    RotateInput with schema {
        /// A shorter overlap for this rotation, in minutes, from 0 to that of the token. With 0, the old value is retired at once, as
        /// you want if it leaked; but then a client that does not receive the response is locked out.
        "overlapMinutes" => overlap_minutes: Option<i32> as Option<i32>,
        /// With an `overlapMinutes` of 0: whether to rotate although the old value was used within the `silentMinutes` of the token.
        /// Without, that is refused with `STILL_IN_USE`. Set it to true if the value leaked.
        "force" => force: Option<bool> as Option<bool>,
        /// A key for this rotation: 1 to 255 printable ASCII characters. The same request with the same key and the same old value
        /// returns the same new value again, until that is first used or the overlap ends. Takes precedence over the `Idempotency-Key`
        /// header.
        "idempotencyKey" => idempotency_key: Option<String> as Option<String>,
        /// Why, for the audit log: one line of 1 to 255 characters.
        "reason" => reason: Option<String> as Option<String>,
        /// Where the evidence is, for the audit log: an address with `https` or `http`, without a name and a password.
        "evidenceURL" => evidence_url: Option<String> as Option<String>,
    }
}

input! {
    /// How to end the overlap of an API token.
    #[derive(ToSchema)]
    #[schema(as = EndAPITokenOverlapInput)]
    EndOverlapInput with schema {
        /// Whether to end it although the previous value was used within the `silentMinutes` of the token. Without, that is refused with
        /// `STILL_IN_USE`. Set it to true if the value leaked.
        "force" => force: Option<bool> as Option<bool>,
    }
}

input! {
    /// Which value of an API token.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    RehearsalInput with param {
        /// The generation of the value. By default, the previous one, or the current one if there is no overlap.
        "generation" => generation: Option<i32> as Option<i32>,
    }
}

input! {
    /// Why an API token is suspended.
    #[derive(ToSchema)]
    #[schema(as = SuspendAPITokenInput)]
    SuspendInput with schema {
        /// Why, for the audit log: one line of 1 to 255 characters.
        "reason" => reason: Option<String> as Option<String>,
        /// Where the evidence is, for the audit log: an address with `https` or `http`, without a name and a password.
        "evidenceURL" => evidence_url: Option<String> as Option<String>,
    }
}

input! {
    /// Why an API token is revoked.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    RevokeInput with param {
        /// Why, for the audit log: one line of 1 to 255 characters.
        "reason" => reason: Option<String> as Option<String>,
        /// Where the evidence is, for the audit log: an address with `https` or `http`, without a name and a password.
        "evidenceURL" => evidence_url: Option<String> as Option<String>,
    }
}

/// An empty object: this endpoint has no fields.
#[derive(ToSchema)]
pub(crate) struct NoInput {}

impl Input for NoInput {
    fn take(_fields: &mut Fields) -> Result<Self, Rejection> {
        Ok(Self {})
    }
}

input! {
    /// The page and the filters of a listing. All filters must match.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    ListInput with param {
        /// How many from the start, 1 to 200. Cannot be combined with `last`. Without either, the first 25.
        "first" => first: Option<i32> as Option<i32>,
        /// Only those after this cursor.
        "after" => after: Option<String> as Option<String>,
        /// How many from the end, 1 to 200. Cannot be combined with `first`.
        "last" => last: Option<i32> as Option<i32>,
        /// Only those before this cursor.
        "before" => before: Option<String> as Option<String>,
        /// Only those with one of these statuses: separated by commas, or with the parameter repeated.
        "status" => status: Option<Vec<Status>> as Option<Vec<Status>>,
        /// Only those whose name contains this text. The case of ASCII letters is ignored.
        "name" => name: Option<String> as Option<String>,
        /// Only those whose name, owner or description contains this text. The case of ASCII letters is ignored.
        "text" => text: Option<String> as Option<String>,
        /// Only those of exactly this owner.
        "owner" => owner: Option<String> as Option<String>,
        /// Only those of this kind.
        "kind" => kind: Option<TokenKind> as Option<TokenKind>,
        /// Only those that have exactly this scope. Those with the scope `*` are only found by `*`.
        "scope" => scope: Option<String> as Option<String>,
        /// Only those that have this permission.
        "permission" => permission: Option<Permission> as Option<Permission>,
        /// Only those that were created by the holder of this API token.
        "createdBy" => created_by: Option<String> as Option<String>,
        /// Only those that have this pair of metadata, written as `key=value`. Repeat the parameter for those that have all of several.
        "metadata" => metadata: Option<Vec<String>> as Option<Vec<String>>,
        /// Only those that expire at this time or later. Those that never expire are left out.
        "expiresAfter" => expires_after: Option<Timestamp> as Option<Timestamp>,
        /// Only those that expire, or have expired, before this time.
        "expiresBefore" => expires_before: Option<Timestamp> as Option<Timestamp>,
        /// Only those whose `rotateBy` is before this time, also if it has passed.
        "rotateByBefore" => rotate_by_before: Option<Timestamp> as Option<Timestamp>,
        /// Only those that were created before this time and not used since then. Uses are known at most a minute late.
        "unusedSince" => unused_since: Option<Timestamp> as Option<Timestamp>,
        /// Only those whose overlap is running, so that their previous value has not been retired; with `false`, all others.
        "overlapRunning" => overlap_running: Option<bool> as Option<bool>,
        /// Only those whose overlap is running, and whose previous value was used since the rotation, within the last so many minutes.
        /// Uses are known at most a minute late.
        "previousValueUsedWithinMinutes" => previous_value_used_within_minutes: Option<i32> as Option<i32>,
        /// The order; with `-`, descending. `createdAt` by default. Tokens that never expire, or have no rotation period, come after all
        /// others; those that were never used, before. The order by last use is right to within ten minutes.
        "orderBy" => order_by: Option<Order> as Option<Order>,
        /// `use`: how each value is used, and by which users.
        "include" => include: Option<Include> as Option<Include>,
    }
}

input! {
    /// What to include when an API token is read.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    ReadInput with param {
        /// `use`: how each value is used, and by which users.
        "include" => include: Option<Include> as Option<Include>,
    }
}

/// What a response may include besides the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    /// How each value is used.
    Use,
}

impl Include {
    /// Its name.
    pub(crate) const USE: &str = "use";
}

impl Readable for Include {
    fn must_be() -> String {
        Self::USE.to_owned()
    }

    fn read(value: Value) -> Option<Self> {
        (value == Self::USE).then_some(Self::Use)
    }
}

impl ListInput {
    /// The request for the use case.
    ///
    /// # Errors
    /// When a condition is invalid, or an id malformed.
    pub(crate) fn read(self) -> Result<PageRequest, Error> {
        let Self { first, after, last, before, order_by, include: _, .. } = self;
        let malformed = Error::NotFound { field: "createdBy" };
        let filter = Filter {
            status: self.status.map(BTreeSet::from_iter),
            name: self.name,
            text: self.text,
            owner: self.owner,
            kind: self.kind,
            scope: self.scope.as_deref().map(listing::scope).transpose()?,
            permission: self.permission,
            created_by: self.created_by.map(|id| TokenId::parse(&id).ok_or(malformed)).transpose()?,
            metadata: self.metadata.map(metadata).transpose()?,
            expires_after: self.expires_after,
            expires_before: self.expires_before,
            rotate_by_before: self.rotate_by_before,
            unused_since: self.unused_since,
            overlap_running: self.overlap_running,
            previous_value_used_within_minutes: self
                .previous_value_used_within_minutes
                .map(listing::minutes)
                .transpose()?,
        };
        Ok(PageRequest { first, after, last, before, filter, order: order_by.unwrap_or_default() })
    }
}

/// Reads pairs, each written as a key, an equals sign and a value. No key contains an equals sign.
fn metadata(pairs: Vec<String>) -> Result<Metadata, InvalidInput> {
    let split = |pair: String| pair.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    let pairs: Option<Vec<_>> = pairs.into_iter().map(split).collect();
    let message = "Each pair of metadata is a key, an equals sign and a value, such as team=payments.";
    Metadata::parse(pairs.ok_or_else(|| InvalidInput::new("metadata", message))?)
}

/// The orders by name.
pub(crate) const ORDERS: [(&str, Order); 10] = [
    ("createdAt", Order { field: OrderField::CreatedAt, descending: false }),
    ("-createdAt", Order { field: OrderField::CreatedAt, descending: true }),
    ("name", Order { field: OrderField::Name, descending: false }),
    ("-name", Order { field: OrderField::Name, descending: true }),
    ("expiresAt", Order { field: OrderField::ExpiresAt, descending: false }),
    ("-expiresAt", Order { field: OrderField::ExpiresAt, descending: true }),
    ("rotateBy", Order { field: OrderField::RotateBy, descending: false }),
    ("-rotateBy", Order { field: OrderField::RotateBy, descending: true }),
    ("lastUsedAt", Order { field: OrderField::LastUsedAt, descending: false }),
    ("-lastUsedAt", Order { field: OrderField::LastUsedAt, descending: true }),
];

impl Readable for Order {
    fn must_be() -> String {
        format!("one of {}", ORDERS.map(|(name, _)| name).join(", "))
    }

    fn read(value: Value) -> Option<Self> {
        ORDERS.into_iter().find(|(name, _)| value == *name).map(|(_, order)| order)
    }
}
