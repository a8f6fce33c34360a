//! `PageInfo`, as the Relay cursor connections specification defines it.

use async_graphql::SimpleObject;
use async_graphql::parser::types::SelectionSet;

use crate::graphql::document::direct::fields::{Fields, Write, fields, json};
use crate::graphql::engine::written::{JsonBody, WriteJson};
use crate::service::Connection;

/// Where a page is in its listing.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct PageInfo {
    /// Whether there are entries after the last edge. A page of API tokens may end before it is full, even without an entry, because it
    /// looks at a limited number of them. Then this is true, and the next page goes on after `endCursor`.
    pub(crate) has_next_page: bool,
    /// Whether there are entries before the first edge. As `hasNextPage`, if you page with `last`: go on before `startCursor`.
    pub(crate) has_previous_page: bool,
    /// The cursor that the page begins at, for `before`: that of the first edge, unless the page ended before it was full; null if there is
    /// none.
    pub(crate) start_cursor: Option<String>,
    /// The cursor that the page ends at, for `after`: that of the last edge, unless the page ended before it was full; null if there is none.
    pub(crate) end_cursor: Option<String>,
}

impl PageInfo {
    /// Where this page of API tokens is.
    pub(crate) fn of(connection: &Connection) -> Self {
        Self {
            has_next_page: connection.has_next_page,
            has_previous_page: connection.has_previous_page,
            start_cursor: connection.start_cursor(),
            end_cursor: connection.end_cursor(),
        }
    }
}

impl WriteJson for PageInfo {
    type Fields = Fields<Write<Self>>;

    fn fields(set: &SelectionSet) -> Option<Self::Fields> {
        fields(set, |field| {
            let write: Write<Self> = match field.name.node.as_str() {
                "hasNextPage" => |page, body| json(&page.has_next_page, body),
                "hasPreviousPage" => |page, body| json(&page.has_previous_page, body),
                "startCursor" => |page, body| json(&page.start_cursor, body),
                "endCursor" => |page, body| json(&page.end_cursor, body),
                "__typename" => |_, body| json("PageInfo", body),
                _ => return None,
            };
            Some(write)
        })
    }

    fn write(&self, fields: &Self::Fields, body: &mut JsonBody<'_>) {
        body.object(fields, |write, body| body.field(self, *write));
    }
}
