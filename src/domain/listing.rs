//! A page of tokens: filter, order, position and size.

mod filter;

use super::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

pub use filter::{Filter, list, minutes, scope};

/// The default page size.
pub const DEFAULT_PAGE_SIZE: u32 = 25;
/// The largest page size.
pub const MAX_PAGE_SIZE: u32 = 200;

/// Up to how many tokens a page looks at in its order.
pub const MAX_EXAMINED: u32 = 3_000;

/// What tokens are ordered by; ties are broken by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderField {
    /// By creation, which is the order of the ids.
    #[default]
    CreatedAt,
    /// By name, by Unicode code point.
    Name,
    /// By expiry. Tokens that never expire come after all others.
    ExpiresAt,
    /// By the end of the rotation period. Tokens without a rotation period come after all others.
    RotateBy,
    /// By the last use. Tokens that were never used come before all others.
    LastUsedAt,
}

/// The order of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub field: OrderField,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// What a token is ordered by, apart from its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// A name.
    Name(String),
    /// A time in milliseconds, [`SortKey::NEVER`] or [`SortKey::NOT_YET`].
    Moment(i64),
}

impl SortKey {
    /// The time of what never happens: after all others.
    pub const NEVER: i64 = i64::MAX;
    /// The time of what has not happened yet: before all others.
    pub const NOT_YET: i64 = 0;
}

/// The position of a token in an order: the key that a page starts after or ends before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The key; `None` in the order of creation, which is that of the ids.
    pub key: Option<SortKey>,
    /// The id.
    pub id: TokenId,
}

impl Position {
    /// The position of this token in this order. Uses are written in batches, so `last_used_at` is what the listing was ordered by.
    pub fn of(token: &Token, field: OrderField, last_used_at: Option<i64>) -> Self {
        let ends_at =
            |limit: Option<Timestamp>| Some(SortKey::Moment(limit.map_or(SortKey::NEVER, Timestamp::unix_millis)));
        let key = match field {
            OrderField::CreatedAt => None,
            OrderField::Name => Some(SortKey::Name(token.settings.name.to_string())),
            OrderField::ExpiresAt => ends_at(token.settings.expires_at),
            OrderField::RotateBy => ends_at(token.rotate_by()),
            OrderField::LastUsedAt => Some(SortKey::Moment(last_used_at.unwrap_or(SortKey::NOT_YET))),
        };
        Self { key, id: token.id }
    }
}

/// Which end of the listing a page is cut from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The first that match.
    First,
    /// The last that match.
    Last,
}

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which tokens.
    pub filter: Filter,
    /// In what order.
    pub order: Order,
    /// Only tokens after this position.
    pub after: Option<Position>,
    /// Only tokens before this position.
    pub before: Option<Position>,
    /// How many, 1 to [`MAX_PAGE_SIZE`].
    pub size: u32,
    /// From which end.
    pub end: End,
    /// Up to how many tokens it looks at in its order, at least 1. If it has found too few by then, it ends there.
    pub max_examined: u32,
}
