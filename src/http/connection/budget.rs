//! Bytes that the server holds for its clients: answers that are not sent yet, and bodies that have not arrived whole.
//!
//! They are counted per connection, so that one that does not read gets no further answers, and in all, so that many such
//! connections together cannot take all memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use tokio::sync::Notify;

use super::activity::Activity;

/// How many bytes may be held in all. Beyond it, the connections that have made no progress for longest are closed.
const MAX_BYTES: usize = 128 * 1024 * 1024;

/// What all connections together hold.
#[derive(Debug)]
pub(crate) struct Budget {
    held: AtomicUsize,
    max_bytes: usize,
    exceeded: Notify,
}

impl Default for Budget {
    fn default() -> Self {
        Self { held: AtomicUsize::new(0), max_bytes: MAX_BYTES, exceeded: Notify::new() }
    }
}

impl Budget {
    /// By how many bytes it is exceeded.
    pub(super) fn excess(&self) -> usize {
        self.held.load(Ordering::Relaxed).saturating_sub(self.max_bytes)
    }

    /// Waits until it is exceeded.
    pub(super) async fn exceeded(&self) {
        self.exceeded.notified().await;
    }
}

/// What bytes are held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An answer, until it is sent.
    Answer,
    /// A body, until it has arrived whole.
    Body,
}

/// Bytes held for a connection, until this is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    activity: Arc<Activity>,
    purpose: Purpose,
    bytes: usize,
}

impl Charge {
    pub(super) fn new(activity: Arc<Activity>, purpose: Purpose, bytes: usize) -> Self {
        let mut charge = Self { activity, purpose, bytes: 0 };
        charge.add(bytes);
        charge
    }

    /// Holds so many more.
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.activity.held(self.purpose).fetch_add(bytes, Ordering::Relaxed);
        let budget = self.activity.budget();
        if budget.held.fetch_add(bytes, Ordering::Relaxed) + bytes > budget.max_bytes {
            budget.exceeded.notify_one();
        }
    }

    /// These bytes, which are held until the last part of them is dropped, wherever it is queued.
    pub(super) fn over(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Charged { bytes, _charge: self })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.activity.budget().held.fetch_sub(self.bytes, Ordering::Relaxed);
        self.activity.held(self.purpose).fetch_sub(self.bytes, Ordering::Relaxed);
        if self.purpose == Purpose::Answer {
            self.activity.sent_one();
        }
    }
}

struct Charged {
    bytes: Bytes,
    _charge: Charge,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
