//! Pages of API tokens, by the Relay cursor connections specification. There is no total count: it would read
//! the whole table.

use async_graphql::SimpleObject;

use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::graphql::schema::types::page_info::PageInfo;
use crate::service::Connection;

use super::api_token::ApiToken;

/// A page of API tokens.
#[derive(SimpleObject)]
#[graphql(name = "APITokenConnection", serial)]
pub(crate) struct ApiTokenConnection {
    /// The API tokens of the page with their cursors.
    edges: ReadyList<Ready<ApiTokenEdge>>,
    /// Where the page is in the listing.
    page_info: Ready<PageInfo>,
}

/// One API token of a page.
#[derive(SimpleObject)]
#[graphql(name = "APITokenEdge", serial)]
pub(crate) struct ApiTokenEdge {
    /// Its position in the listing, for `after` and `before`. Opaque.
    cursor: String,
    /// The API token.
    node: Ready<ApiToken>,
}

impl From<Connection> for ApiTokenConnection {
    fn from(connection: Connection) -> Self {
        let cursor = |edge: Option<&(String, _)>| edge.map(|(cursor, _)| cursor.clone());
        let page_info = PageInfo {
            has_next_page: connection.has_next_page,
            has_previous_page: connection.has_previous_page,
            start_cursor: cursor(connection.edges.first()),
            end_cursor: cursor(connection.edges.last()),
        };
        let edges = connection.edges.into_iter();
        Self {
            edges: edges
                .map(|(cursor, view)| ApiTokenEdge { cursor, node: ApiToken::from(view).into() }.into())
                .collect(),
            page_info: page_info.into(),
        }
    }
}
