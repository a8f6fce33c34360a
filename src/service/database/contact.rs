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

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::watch;

use crate::domain::timestamp::Timestamp;

/// For how many seconds after the database last answered may be believed what was read before (R10).
const TRUST_SECONDS: u32 = 10;

/// What is known of the contact.
#[derive(Debug)]
pub(crate) struct Contact {
    /// The last moment up to which everything that was committed has been heard, in Unix milliseconds.
    last: AtomicI64,
    pub(super) listening: watch::Sender<bool>,
}

impl Default for Contact {
    fn default() -> Self {
        Self { last: AtomicI64::new(i64::MIN), listening: watch::Sender::new(false) }
    }
}

impl Contact {
    /// Lets nothing be answered from memory until the database has answered once more.
    pub(crate) fn lose(&self) {
        self.last.store(i64::MIN, Ordering::SeqCst);
    }

    /// Whether the database answered when it was asked last.
    pub(crate) fn is_listening(&self) -> bool {
        *self.listening.borrow()
    }

    /// Until when may be believed what is remembered now; a moment that is over, where nothing may.
    pub(super) fn trusted_until(&self, now: Timestamp) -> Timestamp {
        match self.last.load(Ordering::SeqCst) {
            i64::MIN => Timestamp::MIN,
            last => {
                let last = Timestamp::from_unix_millis(last);
                // A moment that is yet to come says nothing: a clock was set back.
                if last <= now { last.plus_seconds(TRUST_SECONDS) } else { Timestamp::MIN }
            }
        }
    }

    /// All that was committed up to this moment has been heard.
    pub(super) fn polled_until(&self, moment: Timestamp) {
        self.last.store(moment.unix_millis(), Ordering::SeqCst);
        self.listening.send_if_modified(|listening| !std::mem::replace(listening, true));
    }
}
