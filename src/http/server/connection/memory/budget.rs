//! The memory budget: bytes of unsent responses and of incomplete request bodies.
//!
//! They are counted per connection, so that a client that does not read gets no further responses, and in total, so that many such
//! clients cannot exhaust the memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// What all connections hold together.
#[derive(Debug)]
pub(crate) struct Budget {
    held: AtomicUsize,
    max_bytes: usize,
    exceeded: Notify,
}

impl Default for Budget {
    /// Without a limit, for a connection that shares it with no other.
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Budget {
    /// A budget of this many bytes. Above it, connections are closed, first those that have made no progress for longest.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { held: AtomicUsize::new(0), max_bytes, exceeded: Notify::new() }
    }

    /// How many bytes are held.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// By how many bytes this many would exceed the budget.
    pub(crate) fn excess_of(&self, held_bytes: usize) -> usize {
        held_bytes.saturating_sub(self.max_bytes)
    }

    /// Adds bytes that are now held.
    pub(super) fn add(&self, bytes: usize) {
        if self.held.fetch_add(bytes, Ordering::Relaxed) + bytes > self.max_bytes {
            self.exceeded.notify_one();
        }
    }

    /// Removes bytes that are no longer held.
    pub(super) fn remove(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Waits until the budget is exceeded.
    pub(crate) async fn exceeded(&self) {
        self.exceeded.notified().await;
    }
}

/// What bytes are held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A response, until it is sent.
    Answer,
    /// A request body, until it is complete.
    Body,
}
