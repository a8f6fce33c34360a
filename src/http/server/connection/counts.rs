//! How many connections there were, and why the server closed some.

use crate::metrics::{Counter, CounterByName};

/// Nothing happened on it for too long.
pub(super) const IDLE: &str = "idle";
/// Another connection needed its place.
pub(super) const EVICTED: &str = "evicted";
/// All connections together held too many bytes.
pub(super) const MEMORY: &str = "memory";

/// The connections of every address.
#[derive(Debug)]
pub(crate) struct ConnectionCounts {
    accepted: Counter,
    ended: Counter,
    closed: CounterByName,
}

impl Default for ConnectionCounts {
    fn default() -> Self {
        Self {
            accepted: Counter::default(),
            ended: Counter::default(),
            closed: CounterByName::new([IDLE, EVICTED, MEMORY]),
        }
    }
}

impl ConnectionCounts {
    pub(super) fn accepted(&self) {
        self.accepted.increment();
    }

    pub(super) fn ended(&self) {
        self.ended.increment();
    }

    /// The server closes one, for this reason.
    pub(super) fn closed(&self, reason: &'static str) {
        self.closed.increment(reason);
    }

    /// How many were accepted, and how many of them are open.
    pub(crate) fn accepted_and_open(&self) -> (u64, u64) {
        // The other way round, one that ends in between would make fewer than none.
        let ended = self.ended.get();
        let accepted = self.accepted.get();
        (accepted, accepted.saturating_sub(ended))
    }

    /// How many the server closed, by reason.
    pub(crate) fn closed_by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.closed.get()
    }
}
