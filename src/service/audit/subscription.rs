//! `auditEvents` as a subscription: events as they are committed, as long as the subscriber may read them.
//!
//! Nothing is buffered for a single subscriber, so a slow one costs no memory. If it falls too far behind, it gets an error, and
//! its subscription ends.

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
use crate::domain::rule::lifecycle::due_soon::rotate_soon_by;
use crate::domain::rule::verification;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, Token};
use crate::domain::value::ValueHash;
use crate::service::{Caller, Error, Service, StreamPermit};
use crate::store::{AuditMessage, Stamp};

/// How often to check that the subscriber's value still works. Deadlines are kept with this precision.
const CHECK_PERIOD: Duration = Duration::from_secs(1);

/// One subscription.
struct Subscription {
    service: Service,
    messages: Receiver<AuditMessage>,
    wake: watch::Receiver<()>,
    filter: AuditFilter,
    /// The subscriber's token as it was last read, and the stamp of that read.
    token: Arc<Token>,
    stamp: Stamp,
    generation: u32,
    hash: ValueHash,
    source: Source,
    seconds: Interval,
    _place: StreamPermit,
}

impl Service {
    /// Authenticates the caller again, with the same value from the same source. What lasts longer than a request, such as a
    /// socket, must do this before each further operation, because the value may have stopped working.
    ///
    /// # Errors
    /// Why the value no longer works, as in [`Service::authenticate`].
    pub async fn authenticate_again(&self, caller: &Caller) -> Result<Caller, Error> {
        self.authenticate(caller.presented().expose(), caller.request_context()).await
    }

    /// The matching audit events that are committed from now on: each once, and those of one token in commit order. Needs
    /// `AUDIT_LOG_READ`. Each comes with the time until which the caller's token must be rotated, if that is soon. Ends with an error when
    /// the caller's value stops working, the permission is removed, or events were missed.
    ///
    /// # Errors
    /// When the caller may not, or there is no contact with the database.
    pub async fn subscribe_to_events(
        &self,
        caller: &Caller,
        filter: AuditFilter,
    ) -> Result<impl Stream<Item = (Result<Arc<AuditEvent>, Error>, Option<Timestamp>)> + Send + use<>, Error> {
        let place = self.open_stream(caller)?;
        // Subscribe first and read the token later, so that no change falls in between.
        let (mut messages, wake) = (self.store.subscribe_to_audit_log(), self.fan_out.subscribe());
        if !self.wait_for_contact().await || !self.catch_up(&mut messages).await {
            return Err(Error::OutOfContact);
        }
        let stamp = self.store.stamp();
        let token = self.own_token(caller, self.now()).await?;
        let mut seconds = interval(CHECK_PERIOD);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (generation, hash, source) = (caller.generation(), *caller.hash(), caller.request_context().source);
        let service = self.clone();
        let subscription = Subscription {
            service,
            messages,
            wake,
            filter,
            token,
            stamp,
            generation,
            hash,
            source,
            seconds,
            _place: place,
        };
        subscription.authorise(self.now())?;
        Ok(stream::unfold(Some(subscription), async |subscription| {
            let mut subscription = subscription?;
            Some(match subscription.next().await {
                Ok(event) => {
                    let rotate_by = rotate_soon_by(&subscription.token, subscription.service.now());
                    ((Ok(event), rotate_by), Some(subscription))
                }
                Err(reason) => ((Err(reason), None), None),
            })
        }))
    }
}

impl Subscription {
    async fn next(&mut self) -> Result<Arc<AuditEvent>, Error> {
        loop {
            let message = match self.messages.try_recv() {
                Err(TryRecvError::Empty) => {
                    tokio::select! {
                        _ = self.wake.changed() => {}
                        _ = self.seconds.tick() => self.check().await?,
                    }
                    continue;
                }
                message => message,
            };
            // Before the event is passed on, because this event may be the reason why it must not be.
            self.check().await?;
            match message {
                Ok(AuditMessage::Event(event)) if self.filter.admits(&event) => return Ok(event),
                Ok(AuditMessage::Event(_)) | Err(TryRecvError::Empty) => {}
                Ok(AuditMessage::ContactLost) | Err(TryRecvError::Closed) => return Err(Error::OutOfContact),
                Err(TryRecvError::Lagged(_)) => return Err(Error::EventsMissed),
            }
        }
    }

    /// Checks that the subscriber may still read events.
    async fn check(&mut self) -> Result<(), Error> {
        if !self.service.store.is_fresh(self.token.id, self.stamp) {
            self.stamp = self.service.store.stamp();
            // Through the cache, so that a changed token is read once for all subscribers with its value.
            let known = self.service.find_value(&self.hash, self.service.now()).await?.ok_or(Error::Unauthenticated)?;
            self.token = known.token;
        }
        self.authorise(self.service.now())
    }

    fn authorise(&self, now: Timestamp) -> Result<(), Error> {
        verification::judge(&self.token, self.generation, &self.source, now)?;
        Ok(Authority::of(&self.token).require(Permission::AuditLogRead)?)
    }
}
