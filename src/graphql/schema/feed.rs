//! How the resolver of a subscription and the engine pass events to each other.
//!
//! The library runs the resolver once to subscribe, and once more for an event that no subscriber has asked for yet.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, Stream};

use crate::domain::audit::AuditEvent;
use crate::service::Error;

/// An event of a subscription, or the error that ends it.
pub(crate) type Told = Result<Arc<AuditEvent>, Error>;

/// What the resolver of a subscription is run for.
pub(crate) enum Feed {
    /// To subscribe: it leaves the events here and tells none itself.
    Begin(Mutex<Option<BoxStream<'static, Told>>>),
    /// To tell this of the subscription.
    Tell(Mutex<Option<Told>>),
}

impl Feed {
    /// What is to be told, if this is not the beginning.
    pub(crate) fn to_tell(ctx: &Context<'_>) -> Option<Told> {
        match &**ctx.data_opt::<Arc<Self>>()? {
            Self::Begin(_) => None,
            Self::Tell(told) => take(told),
        }
    }

    /// Leaves the events of a subscription that has begun.
    pub(crate) fn begin(ctx: &Context<'_>, events: impl Stream<Item = Told> + Send + 'static) {
        if let Some(Self::Begin(begun)) = ctx.data_opt::<Arc<Self>>().map(|feed| &**feed) {
            *begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(events.boxed());
        }
    }
}

pub(crate) fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}
