//! Pages of webhooks and of deliveries.

use async_graphql::{Object, SimpleObject};

use super::delivery::WebhookDelivery;
use super::object::Webhook;
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::graphql::schema::types::page_info::PageInfo;
use crate::service;

/// Where a page with these cursors is: whether more follow, and whether some precede.
fn page_info<T>(edges: &[(String, T)], has_next_page: bool, has_previous_page: bool) -> Ready<PageInfo> {
    let cursor = |edge: Option<&(String, T)>| edge.map(|(cursor, _)| cursor.clone());
    PageInfo { has_next_page, has_previous_page, start_cursor: cursor(edges.first()), end_cursor: cursor(edges.last()) }
        .into()
}

/// A page of webhooks.
pub(crate) struct WebhookConnection {
    edges: ReadyList<Ready<WebhookEdge>>,
    page_info: Ready<PageInfo>,
}

/// A page of webhooks.
#[Object(serial)]
impl WebhookConnection {
    /// The webhooks of the page with their cursors, oldest first.
    async fn edges(&self) -> &ReadyList<Ready<WebhookEdge>> {
        &self.edges
    }

    /// The webhooks of the page without their cursors, in the same order. `pageInfo` has the cursors of its ends.
    async fn nodes(&self) -> ReadyList<&Ready<Webhook>> {
        self.edges.iter().map(|edge| &edge.object().node).collect()
    }

    /// Where the page is in the listing.
    async fn page_info(&self) -> &Ready<PageInfo> {
        &self.page_info
    }
}

/// One webhook of a page.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct WebhookEdge {
    /// Its position in the listing, for `after`. Opaque.
    cursor: String,
    /// The webhook.
    node: Ready<Webhook>,
}

/// A page of deliveries.
pub(crate) struct WebhookDeliveryConnection {
    edges: ReadyList<Ready<WebhookDeliveryEdge>>,
    page_info: Ready<PageInfo>,
}

/// A page of deliveries.
#[Object(serial)]
impl WebhookDeliveryConnection {
    /// The deliveries of the page with their cursors, newest first.
    async fn edges(&self) -> &ReadyList<Ready<WebhookDeliveryEdge>> {
        &self.edges
    }

    /// The deliveries of the page without their cursors, in the same order. `pageInfo` has the cursors of its ends.
    async fn nodes(&self) -> ReadyList<&Ready<WebhookDelivery>> {
        self.edges.iter().map(|edge| &edge.object().node).collect()
    }

    /// Where the page is in the listing.
    async fn page_info(&self) -> &Ready<PageInfo> {
        &self.page_info
    }
}

/// One delivery of a page.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct WebhookDeliveryEdge {
    /// Its position in the listing, for `after`. Opaque.
    cursor: String,
    /// The delivery.
    node: Ready<WebhookDelivery>,
}

impl From<service::WebhookConnection> for WebhookConnection {
    fn from(page: service::WebhookConnection) -> Self {
        let page_info = page_info(&page.edges, page.has_next_page, page.has_previous_page);
        let edge = |(cursor, webhook)| WebhookEdge { cursor, node: Webhook::from(webhook).into() }.into();
        Self { edges: page.edges.into_iter().map(edge).collect(), page_info }
    }
}

impl From<service::DeliveryConnection> for WebhookDeliveryConnection {
    fn from(page: service::DeliveryConnection) -> Self {
        let page_info = page_info(&page.edges, page.has_next_page, page.has_previous_page);
        let edge =
            |(cursor, delivery)| WebhookDeliveryEdge { cursor, node: WebhookDelivery::from(delivery).into() }.into();
        Self { edges: page.edges.into_iter().map(edge).collect(), page_info }
    }
}
