//! `PageInfo`, as the Relay cursor connections specification defines it.

use async_graphql::SimpleObject;

/// Where a page is in its listing.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct PageInfo {
    /// Whether there are entries after the last edge.
    pub(crate) has_next_page: bool,
    /// Whether there are entries before the first edge.
    pub(crate) has_previous_page: bool,
    /// The cursor of the first edge; null on an empty page.
    pub(crate) start_cursor: Option<String>,
    /// The cursor of the last edge; null on an empty page.
    pub(crate) end_cursor: Option<String>,
}
