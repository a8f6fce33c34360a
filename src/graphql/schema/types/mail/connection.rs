//! Pages of mail digests.

use async_graphql::{Object, SimpleObject};

use super::object::MailDigest;
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::graphql::schema::types::page_info::PageInfo;
use crate::service;

/// A page of mail digests.
pub(crate) struct MailDigestConnection {
    edges: ReadyList<Ready<MailDigestEdge>>,
    page_info: Ready<PageInfo>,
}

/// A page of mail digests.
#[Object(serial)]
impl MailDigestConnection {
    /// The mail digests of the page with their cursors, oldest first.
    async fn edges(&self) -> &ReadyList<Ready<MailDigestEdge>> {
        &self.edges
    }

    /// The mail digests of the page without their cursors, in the same order. `pageInfo` has the cursors of its ends.
    async fn nodes(&self) -> ReadyList<&Ready<MailDigest>> {
        self.edges.iter().map(|edge| &edge.object().node).collect()
    }

    /// Where the page is in the listing.
    async fn page_info(&self) -> &Ready<PageInfo> {
        &self.page_info
    }
}

/// One mail digest of a page.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct MailDigestEdge {
    /// Its position in the listing, for `after`. Opaque.
    cursor: String,
    /// The mail digest.
    node: Ready<MailDigest>,
}

impl From<service::MailDigestConnection> for MailDigestConnection {
    fn from(page: service::MailDigestConnection) -> Self {
        let service::MailDigestConnection { edges, has_next_page, has_previous_page } = page;
        let cursor = |edge: Option<&(String, _)>| edge.map(|(cursor, _)| cursor.clone());
        let (start_cursor, end_cursor) = (cursor(edges.first()), cursor(edges.last()));
        let page_info = PageInfo { has_next_page, has_previous_page, start_cursor, end_cursor }.into();
        let edge = |(cursor, digest)| MailDigestEdge { cursor, node: MailDigest::from(digest).into() }.into();
        Self { edges: edges.into_iter().map(edge).collect(), page_info }
    }
}
