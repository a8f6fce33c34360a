//! What follows a durable commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::DbErr;

use crate::store::changes::change_set::Notes;
use crate::store::changes::publisher::Feed;
use crate::store::connect::pool::Pool;

/// Notified of every commit: once, in a task that no client can cancel, and before it is acknowledged. Whatever must follow a
/// commit belongs here.
#[derive(Clone, Debug)]
pub(in crate::store) struct Durable {
    commits: Arc<AtomicU64>,
    feed: Arc<Feed>,
}

impl Durable {
    /// For a process that writes by this pool.
    pub(in crate::store) fn new(pool: &Pool) -> Self {
        Self { commits: Arc::default(), feed: Feed::new(pool) }
    }

    /// A transaction was committed, or its outcome is unknown; `notes` are those of its operations, in their order.
    pub(in crate::store) fn reached(&self, committed: &Result<(), DbErr>, notes: impl IntoIterator<Item = Notes>) {
        if committed.is_ok() {
            self.commits.fetch_add(1, Ordering::Relaxed);
            notes.into_iter().for_each(|notes| self.feed.publish(notes));
        } else {
            notes.into_iter().for_each(|notes| self.feed.publish_uncertain(notes));
        }
    }

    pub(in crate::store) fn feed(&self) -> &Feed {
        &self.feed
    }

    pub(in crate::store) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}
