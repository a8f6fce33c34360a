//! Bytes that the server holds for its clients: answers that are not sent yet, and bodies that have not arrived whole.
//!
//! They are counted per connection, so that one that does not read gets no further answers, and in all, so that many such
//! connections together cannot take all memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// What all connections together hold.
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
    /// For so many bytes. Beyond them, the connections that have made no progress for longest are closed.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { held: AtomicUsize::new(0), max_bytes, exceeded: Notify::new() }
    }

    /// By how many bytes it is exceeded.
    pub(crate) fn excess(&self) -> usize {
        self.held.load(Ordering::Relaxed).saturating_sub(self.max_bytes)
    }

    /// Holds so many more.
    pub(super) fn add(&self, bytes: usize) {
        if self.held.fetch_add(bytes, Ordering::Relaxed) + bytes > self.max_bytes {
            self.exceeded.notify_one();
        }
    }

    /// Holds so many fewer.
    pub(super) fn remove(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Waits until it is exceeded.
    pub(crate) async fn exceeded(&self) {
        self.exceeded.notified().await;
    }
}

/// What bytes are held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An answer, until it is sent.
    Answer,
    /// A body, until it has arrived whole.
    Body,
}
