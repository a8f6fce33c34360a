//! The inputs of rotating and listing. Their fields have the names of the GraphQL schema.

use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::domain::listing::{Order, OrderField};
use crate::domain::reason::ReasonDraft;
use crate::http::rejection::Rejection;
use crate::service::{Error, PageRequest, RevokeManyRequest};

use super::fields::{Fields, Input, Readable, input};
use super::filter::FilterInput;

input! {
    /// How to rotate an API token.
    #[derive(ToSchema)]
    #[schema(as = RotateAPITokenInput)]
    RotateInput with schema {
        /// A shorter overlap for this rotation, in minutes, from 0 to that of the token. With 0, the old value is retired at once, as
        /// you want if it leaked; but then a client that does not receive the response is locked out.
        "overlapMinutes" => overlap_minutes: Option<i32> as Option<i32>,
        /// Whether the old value fails again and again for some seconds during the last quarter of its overlap, with the code `BROWN_OUT`, so
        /// that a forgotten client is noticed while it still recovers. Only once the new value is used.
        "brownOut" => brown_out: Option<bool> as Option<bool>,
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
    /// Why an API token is revived.
    #[derive(ToSchema)]
    #[schema(as = ReviveAPITokenInput)]
    ReviveInput with schema {
        /// Why, for the audit log: one line of 1 to 255 characters.
        "reason" => reason: String as String,
        /// Where the evidence is, for the audit log: an address with `https` or `http`, without a name and a password.
        "evidenceURL" => evidence_url: Option<String> as Option<String>,
        /// A key for this revival: 1 to 255 printable ASCII characters. The same request with the same key and the same value of the
        /// caller returns the same new value again, until that is first used, and within the `overlapMinutes` of the API token. Takes
        /// precedence over the `Idempotency-Key` header.
        "idempotencyKey" => idempotency_key: Option<String> as Option<String>,
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
    /// The page of a listing.
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
        /// The order; with `-`, descending. `createdAt` by default. Tokens that never expire, or have no rotation period, come after all
        /// others; those that were never used, before. The order by last use is right to within ten minutes.
        "orderBy" => order_by: Option<Order> as Option<Order>,
        /// `use`: how each value is used, and by which users.
        "include" => include: Option<Include> as Option<Include>,
    } and filter: FilterInput
}

input! {
    /// The page of API tokens to revoke, and why.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    RevokeManyInput with param {
        /// Whether to change nothing, and only say what would be done. Begin with `true`.
        "dryRun" => dry_run: bool as bool,
        /// How many, 1 to 200; 25 if left out.
        "first" => first: Option<i32> as Option<i32>,
        /// Only those after this cursor: the `endCursor` of the response before.
        "after" => after: Option<String> as Option<String>,
        /// Why, for the audit log: one line of 1 to 255 characters.
        "reason" => reason: Option<String> as Option<String>,
        /// Where the evidence is, for the audit log: an address with `https` or `http`, without a name and a password.
        "evidenceURL" => evidence_url: Option<String> as Option<String>,
    } and filter: FilterInput
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
        let Self { first, after, last, before, order_by, include: _, filter } = self;
        Ok(PageRequest { first, after, last, before, filter: filter.read()?, order: order_by.unwrap_or_default() })
    }
}

impl RevokeManyInput {
    /// The request for the use case.
    ///
    /// # Errors
    /// When a condition is invalid, or an id malformed.
    pub(crate) fn read(self) -> Result<RevokeManyRequest, Error> {
        let Self { dry_run, first, after, reason, evidence_url, filter } = self;
        let page = PageRequest { first, after, filter: filter.read()?, ..PageRequest::default() };
        Ok(RevokeManyRequest { page, dry_run, reason: ReasonDraft { text: reason, evidence_url } })
    }
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
