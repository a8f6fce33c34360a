//! Counts the polls of this process's listener on PostgreSQL, so that a caller can wait for one that begins after its call: such a
//! poll sees everything that was committed before.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

#[derive(Debug, Default)]
pub(in crate::store) struct Polls {
    begun: AtomicU64,
    /// The last poll whose changes have all been published.
    finished: watch::Sender<u64>,
    requested: Notify,
}

impl Polls {
    /// Begins a poll and returns its number.
    pub(in crate::store) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Finishes a poll: all its changes have been published.
    pub(in crate::store) fn finish(&self, poll: u64) {
        self.finished.send_if_modified(|finished| {
            let is_later = poll > *finished;
            *finished = poll.max(*finished);
            is_later
        });
    }

    /// Waits until a caller requests a poll.
    pub(in crate::store) async fn requested(&self) {
        self.requested.notified().await;
    }

    /// Requests a poll, and waits until one that began after this call has finished.
    pub(in crate::store) async fn next(&self) {
        let next = self.begun.load(Ordering::SeqCst) + 1;
        let mut finished = self.finished.subscribe();
        self.requested.notify_one();
        // This cannot fail: the sender is borrowed.
        let _ = finished.wait_for(|finished| *finished >= next).await;
    }
}
