//! Keeping contact: a task that wait_for_contact what other replicas commit, and seeks the database again whenever it is lost.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::domain::timestamp::Timestamp;
use crate::service::Service;
use crate::store::{self, AuditMessage, ChangeListener};

/// How often contact is sought again once it is lost. By this alone: whoever else needs the database waits for it, but not for
/// long.
const RETRY_PERIOD: Duration = Duration::from_millis(500);
/// How long whoever needs contact waits for it to begin.
const CONTACT_TIMEOUT: Duration = Duration::from_millis(800);
/// How long whoever has to catch up waits for that, while contact lasts.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(5);

impl Service {
    /// Whether everything that any replica committed up to ten seconds ago has been heard. While not, nothing may be
    /// answered from memory.
    pub fn in_contact(&self, now: Timestamp) -> bool {
        now < self.trusted_until(now)
    }

    /// Until when may be believed what is remembered now; a moment that is over, where nothing may.
    pub(crate) fn trusted_until(&self, now: Timestamp) -> Timestamp {
        self.contact.trusted_until(now)
    }

    /// Hears what other replicas commit, and seeks contact again whenever it is lost. Runs for as long as the server does.
    pub async fn keep_contact(self) -> Infallible {
        let mut turns = interval(RETRY_PERIOD);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            let cause = match self.store.listen().await {
                Ok(listener) => self.listen_until_lost(listener).await,
                Err(cause) => cause,
            };
            self.contact.listening.send_replace(false);
            self.store.lose_contact();
            tracing::warn!(%cause, "lost contact with the database; reconnecting");
        }
    }

    /// Hears until contact is lost: why it was.
    async fn listen_until_lost(&self, mut listener: ChangeListener) -> store::Error {
        loop {
            if let Err(cause) = listener.wait().await {
                return cause;
            }
            // Before it is asked, so that what it then has heard reaches up to here. By the monotonic clock, because what the
            // answer says of the time may change what the moment is called.
            let asked_at = self.time.monotonic_millis();
            match listener.poll().await {
                Ok(database_time) => self.time.measure(asked_at, database_time),
                Err(cause) => return cause,
            }
            self.contact.polled_until(self.time.at(asked_at));
        }
    }

    /// Waits until other replicas are heard, but not for long: whether they are.
    pub(crate) async fn wait_for_contact(&self) -> bool {
        let mut listening = self.contact.listening.subscribe();
        matches!(timeout(CONTACT_TIMEOUT, listening.wait_for(|listening| *listening)).await, Ok(Ok(_)))
    }

    /// Waits until all that was committed before has been heard, so that the subscriber is told only what comes later, but not
    /// for long: whether that is so.
    pub(crate) async fn catch_up(&self, subscriber: &mut Receiver<AuditMessage>) -> bool {
        let mut listening = self.contact.listening.subscribe();
        tokio::select! {
            caught_up = timeout(CATCH_UP_TIMEOUT, self.store.catch_up(subscriber)) => caught_up.unwrap_or(false),
            _ = listening.wait_for(|listening| !listening) => false,
        }
    }
}
