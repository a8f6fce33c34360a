//! A page of API tokens, and how many there are.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenKind;
use crate::http::rejection::Rejection;
use crate::service::{self, Connection};

use super::input::{Fields, Input, input};
use super::token::ApiToken;
use super::token_value::ValueUses;

/// A page of API tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenPage)]
pub(super) struct ApiTokenPage {
    /// The API tokens of the page.
    data: Vec<ApiToken>,
    /// Where the page is in the listing.
    page_info: PageInfo,
}

/// Where a page is in its listing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    /// Whether there are more after the last one. A page of API tokens may end before it is full, even without an entry, because it looks at
    /// a limited number of them. Then this is true, and the next page goes on after `endCursor`.
    has_next_page: bool,
    /// Whether there are more before the first one. As `hasNextPage`, if you page with `last`: go on before `startCursor`.
    has_previous_page: bool,
    /// The cursor that the page begins at, for `before`: that of the first one, unless the page ended before it was full; null if there is
    /// none.
    #[schema(required)]
    start_cursor: Option<String>,
    /// The cursor that the page ends at, for `after`: that of the last one, unless the page ended before it was full; null if there is none.
    #[schema(required)]
    end_cursor: Option<String>,
}

impl PageInfo {
    /// Where this page is.
    pub(super) fn of(connection: &Connection) -> Self {
        Self {
            has_next_page: connection.has_next_page,
            has_previous_page: connection.has_previous_page,
            start_cursor: connection.start_cursor(),
            end_cursor: connection.end_cursor(),
        }
    }

    /// Where a page with these cursors is.
    pub(super) fn of_edges<T>(edges: &[(String, T)], has_next_page: bool, has_previous_page: bool) -> Self {
        let cursor = |edge: Option<&(String, T)>| edge.map(|(cursor, _)| cursor.clone());
        Self { has_next_page, has_previous_page, start_cursor: cursor(edges.first()), end_cursor: cursor(edges.last()) }
    }
}

impl ApiTokenPage {
    /// A page, and how the values of its tokens are used if that is to be included.
    pub(super) fn new(connection: Connection, uses: Option<&ValueUses>) -> Self {
        let page_info = PageInfo::of(&connection);
        Self { data: connection.views.into_iter().map(|view| ApiToken::new(view, uses)).collect(), page_info }
    }
}

input! {
    /// Which counts to return.
    #[derive(IntoParams)]
    #[into_params(parameter_in = Query)]
    CountInput with param {
        /// Of how many owners, those with the most API tokens: 0 to 100, 10 by default.
        "owners" => owners: Option<i32> as Option<i32>,
    }
}

/// How many API tokens there are, at the time when they were counted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenCounts)]
pub(super) struct TokenCounts {
    /// When they were counted.
    #[schema(value_type = Timestamp)]
    counted_at: String,
    /// All of them.
    total: u64,
    /// By status, for every status.
    by_status: Vec<StatusCount>,
    /// By kind, for every kind.
    by_kind: Vec<KindCount>,
    /// Of the owners with the most API tokens, most first.
    by_owner: Vec<OwnerCount>,
    /// Of all other owners together.
    of_other_owners: u64,
    /// Without an owner.
    without_owner: u64,
}

/// How many API tokens have a status.
#[derive(Serialize, ToSchema)]
#[schema(as = APITokenStatusCount)]
struct StatusCount {
    /// The status.
    #[schema(value_type = Status)]
    status: &'static str,
    /// How many.
    count: u64,
}

/// How many API tokens are of a kind.
#[derive(Serialize, ToSchema)]
#[schema(as = APITokenKindCount)]
struct KindCount {
    /// The kind.
    #[schema(value_type = TokenKind)]
    kind: &'static str,
    /// How many.
    count: u64,
}

/// How many API tokens an owner has.
#[derive(Serialize, ToSchema)]
#[schema(as = APITokenOwnerCount)]
struct OwnerCount {
    /// The owner.
    owner: String,
    /// How many.
    count: u64,
}

impl From<service::TokenCounts> for TokenCounts {
    fn from(counts: service::TokenCounts) -> Self {
        let of_status = |status: &Status| StatusCount { status: status.as_str(), count: counts.of_status(*status) };
        let of_kind = |kind: &TokenKind| KindCount { kind: kind.as_str(), count: counts.of_kind(*kind) };
        Self {
            counted_at: counts.counted_at.to_string(),
            total: counts.total(),
            by_status: Status::ALL.iter().map(of_status).collect(),
            by_kind: TokenKind::ALL.iter().map(of_kind).collect(),
            of_other_owners: counts.of_other_owners,
            without_owner: counts.without_owner,
            by_owner: counts.by_owner.into_iter().map(|(owner, count)| OwnerCount { owner, count }).collect(),
        }
    }
}
