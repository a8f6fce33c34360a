//! Pages of API tokens, by the Relay cursor connections specification. There is no total count: it would read
//! the whole table.

use std::sync::Arc;

use async_graphql::Object;
use async_graphql::parser::types::SelectionSet;

use crate::domain::listing::{Order, Position};
use crate::graphql::document::direct::fields::{Fields, Write, fields};
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::graphql::engine::written::{JsonBody, WriteJson};
use crate::graphql::schema::types::page_info::PageInfo;
use crate::service::{Connection, View, cursor};

use super::api_token::ApiToken;
use super::output::{TokenField, write_token};
use super::value_use::ValueUses;

/// A page of API tokens.
pub(crate) struct ApiTokenConnection {
    edges: ReadyList<Ready<ApiTokenEdge>>,
    page_info: Ready<PageInfo>,
}

/// A page of API tokens.
#[Object(name = "APITokenConnection", serial)]
impl ApiTokenConnection {
    /// The API tokens of the page with their cursors.
    async fn edges(&self) -> &ReadyList<Ready<ApiTokenEdge>> {
        &self.edges
    }

    /// The API tokens of the page without their cursors, in the same order. `pageInfo` has the cursors of its ends.
    async fn nodes(&self) -> ReadyList<Ready<ApiToken>> {
        self.edges.iter().map(|edge| edge.object().token().into()).collect()
    }

    /// Where the page is in the listing.
    async fn page_info(&self) -> &Ready<PageInfo> {
        &self.page_info
    }
}

/// One API token of a page.
pub(crate) struct ApiTokenEdge {
    order: Order,
    position: Position,
    view: View,
    uses: Arc<ValueUses>,
}

/// One API token of a page.
#[Object(name = "APITokenEdge", serial)]
impl ApiTokenEdge {
    /// Its position in the listing, for `after` and `before`. Opaque.
    async fn cursor(&self) -> String {
        cursor(&self.position, self.order)
    }

    /// The API token.
    async fn node(&self) -> Ready<ApiToken> {
        self.token().into()
    }
}

impl ApiTokenEdge {
    fn token(&self) -> ApiToken {
        ApiToken::on_page(self.view.clone(), self.uses.clone())
    }
}

/// A field of a page, as it is written.
pub(crate) enum PageField {
    Edges(Fields<EdgeField>),
    Nodes(Fields<TokenField>),
    PageInfo(Fields<Write<PageInfo>>),
    Typename,
}

/// A field of an edge, as it is written.
pub(crate) enum EdgeField {
    Node(Fields<TokenField>),
    Cursor,
    Typename,
}

impl WriteJson for ApiTokenConnection {
    type Fields = Fields<PageField>;

    fn fields(set: &SelectionSet) -> Option<Self::Fields> {
        fields(set, |field| {
            let selected = &field.selection_set.node;
            match field.name.node.as_str() {
                "edges" => ApiTokenEdge::fields(selected).map(PageField::Edges),
                "nodes" => ApiToken::fields(selected).map(PageField::Nodes),
                "pageInfo" => PageInfo::fields(selected).map(PageField::PageInfo),
                "__typename" => Some(PageField::Typename),
                _ => None,
            }
        })
    }

    fn write(&self, fields: &Self::Fields, body: &mut JsonBody<'_>) {
        body.object(fields, |field, body| match field {
            PageField::Edges(fields) => body.list(self.edges.iter(), |edge, body| edge.object().write(fields, body)),
            PageField::Nodes(fields) => {
                body.list(self.edges.iter(), |edge, body| write_token(&edge.object().view, None, fields, body));
            }
            PageField::PageInfo(fields) => self.page_info.object().write(fields, body),
            PageField::Typename => body.json("APITokenConnection"),
        });
    }
}

impl ApiTokenEdge {
    fn fields(set: &SelectionSet) -> Option<Fields<EdgeField>> {
        fields(set, |field| match field.name.node.as_str() {
            "node" => ApiToken::fields(&field.selection_set.node).map(EdgeField::Node),
            "cursor" => Some(EdgeField::Cursor),
            "__typename" => Some(EdgeField::Typename),
            _ => None,
        })
    }

    fn write(&self, fields: &Fields<EdgeField>, body: &mut JsonBody<'_>) {
        body.object(fields, |field, body| match field {
            EdgeField::Node(fields) => write_token(&self.view, None, fields, body),
            EdgeField::Cursor => body.json(&cursor(&self.position, self.order)),
            EdgeField::Typename => body.json("APITokenEdge"),
        });
    }
}

impl From<Connection> for ApiTokenConnection {
    fn from(connection: Connection) -> Self {
        let page_info = PageInfo::of(&connection);
        let order = connection.order;
        let uses = Arc::new(ValueUses::of_tokens(&connection.views));
        let edge = |(view, position)| ApiTokenEdge { order, position, view, uses: uses.clone() }.into();
        let edges = connection.views.into_iter().zip(connection.positions).map(edge).collect();
        Self { edges, page_info: page_info.into() }
    }
}
