//! What clients of the REST endpoints send: the inputs of the GraphQL schema under the same names, field by field.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::domain::listing::{Filter, Order, OrderField};
use crate::domain::rule::lifecycle::Status;
use crate::domain::token::TokenKind;
use crate::http::rejection::Rejection;
use crate::service::PageRequest;

use super::fields::{Fields, Input, Readable, input};

input! {
    /// How to rotate an API token.
    #[derive(ToSchema)]
    #[schema(as = RotateAPITokenInput)]
    RotateInput with schema {
        /// A shorter overlap for this rotation, in minutes, from 0 to the token's own. 0 ends the old value at once, as you
        /// want when it leaked; a client whose answer is lost is then locked out.
        "overlapMinutes" => overlap_minutes: Option<i32> as Option<i32>,
        /// Your name for this rotation, 1 to 255 printable ASCII characters. The same request with the same key and the same
        /// old value gets the same new value again, until that is first used or the overlap ends. Takes precedence over the
        /// `Idempotency-Key` header.
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
        /// Those whose name contains this text. The case of ASCII letters is ignored.
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
