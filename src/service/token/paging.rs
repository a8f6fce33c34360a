//! Pagination by the Relay cursor specification: validating a request for a page, and building the page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::listing::{
    DEFAULT_PAGE_SIZE, End, Filter, MAX_EXAMINED, MAX_PAGE_SIZE, Order, OrderField, Page, Position, SortKey,
};
use crate::domain::timestamp::Timestamp;
use crate::service::View;
use crate::store::Listing;

/// A page as a client asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many from the start; excludes `last`.
    pub first: Option<i32>,
    /// Only tokens after this cursor.
    pub after: Option<String>,
    /// How many from the end; excludes `first`.
    pub last: Option<i32>,
    /// Only tokens before this cursor.
    pub before: Option<String>,
    /// Which tokens.
    pub filter: Filter,
    /// In what order.
    pub order: Order,
}

/// A page as a client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The tokens.
    pub views: Vec<View>,
    /// Their positions, from which their cursors are made.
    pub positions: Vec<Position>,
    /// Their order, which each [`cursor`] names.
    pub order: Order,
    /// Where the page ends before it is full, because it looks at a limited number of tokens.
    pub stopped_at: Option<Position>,
    /// From which end of the listing it is cut.
    pub end: End,
    /// Whether there are more tokens after the last edge, as far as this request can tell.
    pub has_next_page: bool,
    /// Whether there are more tokens before the first edge, as far as this request can tell.
    pub has_previous_page: bool,
}

impl PageRequest {
    /// The page, if every argument is valid.
    pub(crate) fn validate(self) -> Result<Page, InvalidInput> {
        let (end, size) = end_and_size(self.first, self.last, "tokens")?;
        self.filter.validate()?;
        let read = |field, cursor: Option<String>| {
            cursor.map(|text| read_cursor(&text, self.order).ok_or_else(|| broken_cursor(field))).transpose()
        };
        let (after, before) = (read("after", self.after)?, read("before", self.before)?);
        Ok(Page { filter: self.filter, order: self.order, after, before, size, end, max_examined: MAX_EXAMINED })
    }
}

impl Connection {
    pub(crate) fn new(page: &Page, listing: Listing, now: Timestamp) -> Self {
        let (has_next_page, has_previous_page) = neighbours(page.end, listing.more, &page.after, &page.before);
        let Listing { tokens, positions, more: _, stopped_at } = listing;
        let views = tokens.into_iter().map(|token| View::new(token, now)).collect();
        Self { views, positions, order: page.order, stopped_at, end: page.end, has_next_page, has_previous_page }
    }

    /// The cursor that the page begins at: that of the first token, or that of where an empty page stopped.
    pub fn start_cursor(&self) -> Option<String> {
        self.cursor_at(End::Last, self.positions.first())
    }

    /// The cursor that the page ends at: that of the last token, or that of where the page stopped.
    pub fn end_cursor(&self) -> Option<String> {
        self.cursor_at(End::First, self.positions.last())
    }

    /// The cursor at one side of the page. `reached_by` are the pages that reach it last.
    fn cursor_at(&self, reached_by: End, token: Option<&Position>) -> Option<String> {
        let stopped_at = self.stopped_at.as_ref();
        let position = if self.end == reached_by { stopped_at.or(token) } else { token.or(stopped_at) };
        position.map(|position| cursor(position, self.order))
    }
}

/// Which end of a listing a page is cut from, and its size. `of` is what is listed.
pub(crate) fn end_and_size(first: Option<i32>, last: Option<i32>, of: &str) -> Result<(End, u32), InvalidInput> {
    match (first, last) {
        (Some(_), Some(_)) => {
            Err(InvalidInput::new("last", format!("Ask for the first {of} or for the last ones, not for both.")))
        }
        (None, Some(last)) => Ok((End::Last, page_size("last", last)?)),
        (Some(first), None) => Ok((End::First, page_size("first", first)?)),
        (None, None) => Ok((End::First, DEFAULT_PAGE_SIZE)),
    }
}

/// Whether there are entries after a page, and before it, as far as its request can tell: `more` is whether there are some beyond it, in
/// the direction in which it was read.
pub(crate) fn neighbours<P>(end: End, more: bool, after: &Option<P>, before: &Option<P>) -> (bool, bool) {
    match end {
        End::First => (more, after.is_some()),
        End::Last => (before.is_some(), more),
    }
}

fn page_size(field: &'static str, size: i32) -> Result<u32, InvalidInput> {
    u32::try_from(size).ok().filter(|size| (1..=MAX_PAGE_SIZE).contains(size)).ok_or_else(|| {
        InvalidInput::new(
            field,
            format!("A page has 1 to {MAX_PAGE_SIZE} entries; the default is {DEFAULT_PAGE_SIZE}."),
        )
    })
}

pub(crate) fn broken_cursor(field: &'static str) -> InvalidInput {
    InvalidInput::new(
        field,
        "This is not a cursor of this listing. Take one from an answer with the same orderBy, or leave it out.",
    )
}

/// The contents of a cursor. It names its order, so that it cannot be used with another order, in which it would mean another
/// position.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    order: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    id: String,
}

fn order_name(order: Order) -> &'static str {
    match (order.field, order.descending) {
        (OrderField::CreatedAt, false) => "created",
        (OrderField::CreatedAt, true) => "-created",
        (OrderField::Name, false) => "name",
        (OrderField::Name, true) => "-name",
        (OrderField::ExpiresAt, false) => "expires",
        (OrderField::ExpiresAt, true) => "-expires",
        (OrderField::RotateBy, false) => "rotateBy",
        (OrderField::RotateBy, true) => "-rotateBy",
        (OrderField::LastUsedAt, false) => "lastUsed",
        (OrderField::LastUsedAt, true) => "-lastUsed",
    }
}

/// The cursor of a position in a listing of this order. Opaque to clients.
pub fn cursor(position: &Position, order: Order) -> String {
    let Position { key, id } = position.clone();
    let (name, at) = match key {
        None => (None, None),
        Some(SortKey::Name(name)) => (Some(name), None),
        Some(SortKey::Moment(at)) => (None, Some(at)),
    };
    let cursor = Cursor { order: order_name(order).to_owned(), name, at, id: id.to_string() };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
}

fn read_cursor(text: &str, order: Order) -> Option<Position> {
    let cursor: Cursor = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let key = match (order.field, cursor.name, cursor.at) {
        (OrderField::CreatedAt, None, None) => None,
        // PostgreSQL cannot store U+0000 in a text. No name has one, so none of our cursors does.
        (OrderField::Name, Some(name), None) if !name.contains('\0') => Some(SortKey::Name(name)),
        (OrderField::ExpiresAt | OrderField::RotateBy | OrderField::LastUsedAt, None, Some(at)) => {
            Some(SortKey::Moment(at))
        }
        _ => return None,
    };
    let position = Position { key, id: TokenId::parse(&cursor.id)? };
    (cursor.order == order_name(order)).then_some(position)
}
