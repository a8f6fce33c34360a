//! `auditEvents` as a subscription: events as they are committed, for as long as the subscriber may hear them.
//!
//! A subscriber is asked of nothing while it is not ready for the next event, so that a slow one costs no memory; what it
//! then has missed it is told of, and its subscription ends.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::domain::audit::{AuditEvent, AuditFilter};
use crate::domain::restriction::Source;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::verification;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, Token};
use crate::domain::value::ValueHash;
use crate::service::{Caller, Error, Service, StreamPermit};
use crate::store::{AuditMessage, Stamp};

/// How often is looked whether the subscriber's value still works; a deadline is kept to within this.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// One subscription.
struct Watch {
    service: Service,
    feed: Receiver<AuditMessage>,
    wake: watch::Receiver<()>,
    filter: AuditFilter,
    /// The subscriber's token as it was read last, and when that was in the order of changes.
    token: Arc<Token>,
    stamp: Stamp,
    generation: u32,
    hash: ValueHash,
    source: Source,
    seconds: Interval,
    _place: StreamPermit,
}

impl Service {
    /// The caller as of now: their value presented anew, from where it was presented before. What lasts longer than a request
    /// asks this before every further one, because nothing says that the value still works.
    ///
    /// # Errors
    /// Why it works no more, as [`Service::authenticate`] says it.
    pub async fn authenticate_again(&self, caller: &Caller) -> Result<Caller, Error> {
        self.authenticate(caller.presented().expose(), caller.context()).await
    }

    /// The audit events that are committed from now on and match, each once, and those of one token in the order of the commits.
    /// Needs `AUDIT_LOG_READ`. Ends with an error when the caller's value works no more, the permission is taken, or events were
    /// missed.
    ///
    /// # Errors
    /// When the caller may not, or events cannot be heard just now.
    pub async fn subscribe_to_events(
        &self,
        caller: &Caller,
        filter: AuditFilter,
    ) -> Result<impl Stream<Item = Result<Arc<AuditEvent>, Error>> + Send + use<>, Error> {
        let place = self.open_stream(caller)?;
        // In this order nothing falls in between: who listens first, reads later.
        let (mut feed, wake) = (self.store.subscribe_to_audit_log(), self.fan_out.join());
        if !self.wait_for_contact().await || !self.catch_up(&mut feed).await {
            return Err(Error::OutOfContact);
        }
        let stamp = self.store.stamp();
        let token = self.own_token(caller, self.now()).await?;
        let mut seconds = interval(LOOK_PERIOD);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (generation, hash, source) = (caller.generation(), *caller.hash(), caller.context().source);
        let service = self.clone();
        let watch =
            Watch { service, feed, wake, filter, token, stamp, generation, hash, source, seconds, _place: place };
        watch.admit(self.now())?;
        Ok(stream::unfold(Some(watch), async |watch| {
            let mut watch = watch?;
            match watch.next().await {
                Ok(event) => Some((Ok(event), Some(watch))),
                Err(reason) => Some((Err(reason), None)),
            }
        }))
    }
}

impl Watch {
    async fn next(&mut self) -> Result<Arc<AuditEvent>, Error> {
        loop {
            let heard = match self.feed.try_recv() {
                Err(TryRecvError::Empty) => {
                    tokio::select! {
                        _ = self.wake.changed() => {}
                        _ = self.seconds.tick() => self.look().await?,
                    }
                    continue;
                }
                heard => heard,
            };
            // Before the event is passed on: it may be why it must not be.
            self.look().await?;
            match heard {
                Ok(AuditMessage::Event(event)) if self.filter.admits(&event) => return Ok(event),
                Ok(AuditMessage::Event(_)) | Err(TryRecvError::Empty) => {}
                Ok(AuditMessage::ContactLost) | Err(TryRecvError::Closed) => return Err(Error::OutOfContact),
                Err(TryRecvError::Lagged(_)) => return Err(Error::EventsMissed),
            }
        }
    }

    /// Whether the subscriber may still hear events.
    async fn look(&mut self) -> Result<(), Error> {
        if !self.service.store.is_fresh(self.token.id, self.stamp) {
            self.stamp = self.service.store.stamp();
            // By way of the cache: a change to a token is read once for all subscribers that present its value.
            let known = self.service.find_value(&self.hash, self.service.now()).await?.ok_or(Error::Unauthenticated)?;
            self.token = known.token;
        }
        self.admit(self.service.now())
    }

    fn admit(&self, now: Timestamp) -> Result<(), Error> {
        verification::judge(&self.token, self.generation, &self.source, now)?;
        Ok(Authority::of(&self.token).require(Permission::AuditLogRead)?)
    }
}
