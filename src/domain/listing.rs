//! A page of tokens: filter, order, position and size.

use std::collections::BTreeSet;

use super::id::TokenId;
use crate::domain::rule::lifecycle::Status;
use crate::domain::token::{Token, TokenKind};

/// The default page size.
pub const DEFAULT_PAGE_SIZE: u32 = 25;
/// The largest page size.
pub const MAX_PAGE_SIZE: u32 = 200;

/// Which tokens. Every condition that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Tokens whose status is one of these.
    pub status: Option<BTreeSet<Status>>,
    /// Tokens whose name contains this text, ASCII letters of either case alike.
    pub name: Option<String>,
    /// Tokens of exactly this owner.
    pub owner: Option<String>,
    /// Tokens of this kind.
    pub kind: Option<TokenKind>,
}

/// What tokens are ordered by; ties are broken by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderField {
    /// By creation, which is the order of the ids.
    #[default]
    CreatedAt,
    /// By name, by Unicode code point.
    Name,
}

/// The order of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub field: OrderField,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// The position of a token in an order: the key that a page starts after or ends before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The name, if the order is by name.
    pub name: Option<String>,
    /// The id.
    pub id: TokenId,
}

impl Position {
    /// The position of this token in this order.
    pub fn of(token: &Token, field: OrderField) -> Self {
        Self { name: (field == OrderField::Name).then(|| token.settings.name.to_string()), id: token.id }
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
}
