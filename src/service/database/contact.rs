//! Contact with the database and, through it, with the other replicas. While it lasts, what they commit is polled. Once it is lost,
//! the cache can be trusted only briefly (R10).
//!
//! The cache is trusted until ten seconds after the start of the last successful poll. So a pause of the database of a few seconds,
//! or a failover, stops no verification of a cached value. This is sound: a revocation that was not polled was committed after that
//! time, and R10 allows ten seconds.
//!
//! When contact is regained, that time advances only after all entries have been made stale
//! ([`Store::listen`](crate::store::Store::listen)). It would not be enough to poll the new server for changes since the last poll
//! of the old one. Transaction numbers continue after a failover, but a standby that was not synchronous may have missed some
//! transactions, and numbers that are used twice would hide changes.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::watch;

use crate::domain::timestamp::Timestamp;
use crate::metrics::Counter;

/// For how many seconds after a poll the cache is trusted (R10).
const TRUST_SECONDS: u32 = 10;

/// The state of the contact.
#[derive(Debug)]
pub(crate) struct Contact {
    /// The time up to which everything that was committed has been polled, in Unix milliseconds.
    last: AtomicI64,
    pub(super) listening: watch::Sender<bool>,
    /// The same moment by the monotonic clock, which no step of a clock makes wrong; `i64::MIN` before the first poll.
    last_monotonic: AtomicI64,
    losses: Counter,
}

impl Default for Contact {
    fn default() -> Self {
        Self {
            last: AtomicI64::new(i64::MIN),
            listening: watch::Sender::new(false),
            last_monotonic: AtomicI64::new(i64::MIN),
            losses: Counter::default(),
        }
    }
}

impl Contact {
    /// Stops trusting the cache until the next successful poll.
    pub(crate) fn lose(&self) {
        self.last.store(i64::MIN, Ordering::SeqCst);
    }

    /// The database did not answer.
    pub(super) fn lost(&self) {
        self.listening.send_replace(false);
        self.losses.increment();
    }

    /// How often it did not.
    pub(crate) fn losses(&self) -> u64 {
        self.losses.get()
    }

    /// How long ago, now by the monotonic clock, the last moment is up to which everything is known; `None` before the first.
    pub(crate) fn age_millis(&self, monotonic_millis: i64) -> Option<i64> {
        let last = self.last_monotonic.load(Ordering::Relaxed);
        (last != i64::MIN).then(|| monotonic_millis.saturating_sub(last))
    }

    /// Whether the database answered the last poll.
    pub(crate) fn is_listening(&self) -> bool {
        *self.listening.borrow()
    }

    /// Until when the cache can be trusted; a time in the past if it cannot.
    pub(super) fn trusted_until(&self, now: Timestamp) -> Timestamp {
        match self.last.load(Ordering::SeqCst) {
            i64::MIN => Timestamp::MIN,
            last => {
                let last = Timestamp::from_unix_millis(last);
                // A time in the future means that a clock was set back, so it is not trusted.
                if last <= now { last.plus_seconds(TRUST_SECONDS) } else { Timestamp::MIN }
            }
        }
    }

    /// Records that everything that was committed up to this time has been polled.
    pub(super) fn polled_until(&self, moment: Timestamp, monotonic_millis: i64) {
        self.last.store(moment.unix_millis(), Ordering::SeqCst);
        self.last_monotonic.store(monotonic_millis, Ordering::Relaxed);
        self.listening.send_if_modified(|listening| !std::mem::replace(listening, true));
    }
}
