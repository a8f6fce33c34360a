//! Counts the polls of this process's listener on PostgreSQL. A caller can wait for a poll that begins after the call; it sees
//! all that was committed before.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

#[derive(Debug, Default)]
pub(in crate::store) struct Rounds {
    begun: AtomicU64,
    /// The last round of which all has been published.
    over: watch::Sender<u64>,
    wanted: Notify,
}

impl Rounds {
    /// Begins a round and returns its number.
    pub(in crate::store) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// All that came of this round has been published.
    pub(in crate::store) fn end(&self, round: u64) {
        self.over.send_if_modified(|over| {
            let later = round > *over;
            *over = round.max(*over);
            later
        });
    }

    /// Waits until a caller asks for a round.
    pub(in crate::store) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Waits until a round is over that begins after this was called.
    pub(in crate::store) async fn next(&self) {
        let next = self.begun.load(Ordering::SeqCst) + 1;
        let mut over = self.over.subscribe();
        self.wanted.notify_one();
        // An error would mean that the feed is gone, and this borrows it.
        let _ = over.wait_for(|over| *over >= next).await;
    }
}
