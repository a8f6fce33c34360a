//! Contact with the database and, through it, with the other replicas: what they commit is heard while it lasts, and nothing
//! that is remembered may be believed for long once it is lost (R10).
//!
//! What is remembered is believed until ten seconds after the last moment up to which every commit had been heard. So a pause of
//! the database, or a failover, of a few seconds stops no verification of a remembered value. That is sound: a revocation that was
//! not heard was committed after that moment, and R10 gives it ten seconds.
//!
//! When contact is regained, that moment moves on only after all that was remembered before has been made stale
//! ([`Store::listen`](crate::store::Store::listen)). The new server is not asked what has changed since the last question to the
//! old one, although transactions go on to be numbered where a standby took over: a standby that was not synchronous may have
//! missed some, and numbers that were given twice would hide changes.

use std::convert::Infallible;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::domain::timestamp::Timestamp;
use crate::service::Service;
use crate::store::{self, Ear, Heard};

/// For how many seconds after the database last answered may be believed what was read before (R10).
const BELIEVED_SECONDS: u32 = 10;
/// How often contact is sought again once it is lost. By this alone: whoever else needs the database waits for it, but not for
/// long.
const RETRY_PERIOD: Duration = Duration::from_millis(500);
/// How long whoever needs contact waits for it to begin.
const CONTACT_TIMEOUT: Duration = Duration::from_millis(800);
/// How long whoever has to catch up waits for that, while contact lasts.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(5);

/// What is known of the contact.
#[derive(Debug)]
pub(crate) struct Contact {
    /// The last moment up to which everything that was committed has been heard, in Unix milliseconds.
    last: AtomicI64,
    hearing: watch::Sender<bool>,
}

impl Default for Contact {
    fn default() -> Self {
        Self { last: AtomicI64::new(i64::MIN), hearing: watch::Sender::new(false) }
    }
}

impl Contact {
    /// Lets nothing be answered from memory until the database has answered once more.
    pub(crate) fn lose(&self) {
        self.last.store(i64::MIN, Ordering::SeqCst);
    }

    /// Whether the database answered when it was asked last.
    pub(crate) fn is_listening(&self) -> bool {
        *self.hearing.borrow()
    }
}

impl Service {
    /// Whether everything that any replica committed up to ten seconds ago has been heard. While not, nothing may be
    /// answered from memory.
    pub fn in_contact(&self, now: Timestamp) -> bool {
        now < self.believed_until(now)
    }

    /// Until when may be believed what is remembered now; a moment that is over, where nothing may.
    pub(crate) fn believed_until(&self, now: Timestamp) -> Timestamp {
        match self.contact.last.load(Ordering::SeqCst) {
            i64::MIN => Timestamp::MIN,
            last => {
                let last = Timestamp::from_unix_millis(last);
                // A moment that is yet to come says nothing: a clock was set back.
                if last <= now { last.plus_seconds(BELIEVED_SECONDS) } else { Timestamp::MIN }
            }
        }
    }

    /// Hears what other replicas commit, and seeks contact again whenever it is lost. Runs for as long as the server does.
    pub async fn keep_contact(self) -> Infallible {
        let mut turns = interval(RETRY_PERIOD);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            let cause = match self.store.listen().await {
                Ok(ear) => self.hear(ear).await,
                Err(cause) => cause,
            };
            self.contact.hearing.send_replace(false);
            self.store.lose_contact();
            tracing::warn!(%cause, "lost contact with the database; reconnecting");
        }
    }

    /// Hears until contact is lost: why it was.
    async fn hear(&self, mut ear: Ear) -> store::Error {
        loop {
            if let Err(cause) = ear.wait().await {
                return cause;
            }
            // Before it is asked, so that what it then has heard reaches up to here. By the monotonic clock, because what the
            // answer says of the time may change what the moment is called.
            let asked_at = self.time.monotonic_millis();
            match ear.ask().await {
                Ok(database_time) => self.time.measure(asked_at, database_time),
                Err(cause) => return cause,
            }
            self.contact.last.store(self.time.at(asked_at).unix_millis(), Ordering::SeqCst);
            self.contact.hearing.send_if_modified(|hearing| !std::mem::replace(hearing, true));
        }
    }

    /// Waits until other replicas are heard, but not for long: whether they are.
    pub(crate) async fn hears(&self) -> bool {
        let mut hearing = self.contact.hearing.subscribe();
        matches!(timeout(CONTACT_TIMEOUT, hearing.wait_for(|hearing| *hearing)).await, Ok(Ok(_)))
    }

    /// Waits until all that was committed before has been heard, so that the subscriber is told only what comes later, but not
    /// for long: whether that is so.
    pub(crate) async fn catches_up(&self, subscriber: &mut Receiver<Heard>) -> bool {
        let mut hearing = self.contact.hearing.subscribe();
        tokio::select! {
            caught_up = timeout(CATCH_UP_TIMEOUT, self.store.catch_up(subscriber)) => caught_up.unwrap_or(false),
            _ = hearing.wait_for(|hearing| !hearing) => false,
        }
    }
}
