//! The subscriptions.

use async_graphql::{Context, Result, Subscription as SubscriptionRoot};
use futures_util::stream::{self, Stream};

use super::types::audit_event::{AuditEvent, AuditEventFilter};
use crate::graphql::error::refuse;

use super::context::{caller, service};
use super::handoff::Handoff;

/// The subscriptions.
pub(crate) struct Subscription;

/// The subscriptions, over a WebSocket (graphql-transport-ws) or as server-sent events.
#[SubscriptionRoot]
impl Subscription {
    /// Audit events as they happen, each once, starting now. Needs `AUDIT_LOG_READ`. Ends with an error when the
    /// caller's value no longer works, or when events were missed. The query `auditEvents` lists what was missed.
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events; all if left out.")] filter: Option<AuditEventFilter>,
    ) -> Result<impl Stream<Item = Result<AuditEvent>> + use<>> {
        let event = match Handoff::event_to_resolve(ctx) {
            Some(event) => Some(event.map(|event| AuditEvent::from((*event).clone())).map_err(refuse)),
            None => {
                let filter = filter.map(AuditEventFilter::read).transpose().map_err(refuse)?.unwrap_or_default();
                let events = service(ctx)?.subscribe_to_events(caller(ctx)?, filter).await.map_err(refuse)?;
                Handoff::store_events(ctx, events);
                None
            }
        };
        Ok(stream::iter(event))
    }
}
