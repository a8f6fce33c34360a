//! How the resolver of a subscription and the engine pass events to each other.
//!
//! The library runs the resolver once to subscribe, and once more to resolve an event whose answer is not cached.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, Stream};

use crate::domain::audit::AuditEvent;
use crate::domain::timestamp::Timestamp;
use crate::service::Error;

/// An event of a subscription, or the error that ends it.
pub(crate) type EventResult = Result<Arc<AuditEvent>, Error>;

/// The next event of a subscription, and until when the subscriber's token must be rotated, if that is soon.
pub(crate) type NextEvent = (EventResult, Option<Timestamp>);

/// The purpose for which the resolver of a subscription is run.
pub(crate) enum Handoff {
    /// To subscribe. The resolver stores the stream of events here, and yields none.
    Subscribe(Mutex<Option<BoxStream<'static, NextEvent>>>),
    /// To resolve this event.
    Resolve(Mutex<Option<EventResult>>),
}

impl Handoff {
    /// The event to resolve; `None` when the resolver is run to subscribe.
    pub(crate) fn event_to_resolve(ctx: &Context<'_>) -> Option<EventResult> {
        match &**ctx.data_opt::<Arc<Self>>()? {
            Self::Subscribe(_) => None,
            Self::Resolve(event) => take(event),
        }
    }

    /// Stores the events of a new subscription for the engine.
    pub(crate) fn store_events(ctx: &Context<'_>, events: impl Stream<Item = NextEvent> + Send + 'static) {
        if let Some(Self::Subscribe(place)) = ctx.data_opt::<Arc<Self>>().map(|handoff| &**handoff) {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(events.boxed());
        }
    }
}

pub(crate) fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}
