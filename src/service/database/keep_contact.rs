//! Keeping contact: a task that polls what other replicas commit, and reconnects whenever contact is lost.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::domain::timestamp::Timestamp;
use crate::service::Service;
use crate::store::{self, AuditMessage, ChangeListener};

/// How often to try to reconnect after contact is lost. Only this task reconnects; requests wait for it, but not for long.
const RETRY_PERIOD: Duration = Duration::from_millis(500);
/// How long a request waits for contact.
const CONTACT_TIMEOUT: Duration = Duration::from_millis(800);
/// How long a new subscription waits to catch up, while there is contact.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(5);

impl Service {
    /// Whether everything that any replica committed up to ten seconds ago has been polled. If not, the cache must not be used.
    pub fn in_contact(&self, now: Timestamp) -> bool {
        now < self.trusted_until(now)
    }

    /// Until when the cache can be trusted; a time in the past if it cannot.
    pub(crate) fn trusted_until(&self, now: Timestamp) -> Timestamp {
        self.contact.trusted_until(now)
    }

    /// Polls what other replicas commit, and reconnects whenever contact is lost. Runs as long as the server.
    pub async fn keep_contact(self) -> Infallible {
        let mut retries = interval(RETRY_PERIOD);
        retries.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            retries.tick().await;
            let cause = match self.store.listen().await {
                Ok(listener) => self.listen_until_lost(listener).await,
                Err(cause) => cause,
            };
            self.contact.lost();
            self.store.lose_contact();
            tracing::warn!(name: "database_contact_lost", %cause, "lost contact with the database; reconnecting");
        }
    }

    /// Polls until contact is lost; returns the cause.
    async fn listen_until_lost(&self, mut listener: ChangeListener) -> store::Error {
        loop {
            if let Err(cause) = listener.wait().await {
                return cause;
            }
            // Before the poll, because the poll covers everything up to this time. By the monotonic clock, because the answer may
            // change the difference between the clocks.
            let asked_at = self.time.monotonic_millis();
            match listener.poll().await {
                Ok(database_time) => self.time.measure(asked_at, database_time),
                Err(cause) => return cause,
            }
            self.contact.polled_until(self.time.at(asked_at), asked_at);
        }
    }

    /// Waits for contact, but not for long; returns whether there is contact.
    pub(crate) async fn wait_for_contact(&self) -> bool {
        let mut listening = self.contact.listening.subscribe();
        matches!(timeout(CONTACT_TIMEOUT, listening.wait_for(|listening| *listening)).await, Ok(Ok(_)))
    }

    /// Waits until everything that was committed before has been polled, so that the subscriber gets only later events, but not for
    /// long; returns whether it has caught up.
    pub(crate) async fn catch_up(&self, subscriber: &mut Receiver<AuditMessage>) -> bool {
        let mut listening = self.contact.listening.subscribe();
        tokio::select! {
            caught_up = timeout(CATCH_UP_TIMEOUT, self.store.catch_up(subscriber)) => caught_up.unwrap_or(false),
            _ = listening.wait_for(|listening| !listening) => false,
        }
    }
}
