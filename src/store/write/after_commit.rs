//! The after-commit hook: what happens once a commit is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::DbErr;

use crate::store::changes::change_set::ChangeSet;
use crate::store::changes::publisher::Publisher;
use crate::store::connect::pool::Pool;

/// Runs once for every commit, in a task that no client can cancel, and before the commit is acknowledged. Everything that must
/// follow a commit belongs here.
#[derive(Clone, Debug)]
pub(in crate::store) struct AfterCommit {
    commits: Arc<AtomicU64>,
    publisher: Arc<Publisher>,
}

impl AfterCommit {
    /// For a process that writes through this pool.
    pub(in crate::store) fn new(pool: &Pool) -> Self {
        Self { commits: Arc::default(), publisher: Publisher::new(pool) }
    }

    /// Publishes a transaction that was committed, or whose outcome is unknown. `changes` are those of its operations, in order.
    pub(in crate::store) fn run(&self, committed: &Result<(), DbErr>, changes: impl IntoIterator<Item = ChangeSet>) {
        if committed.is_ok() {
            self.commits.fetch_add(1, Ordering::Relaxed);
            changes.into_iter().for_each(|changes| self.publisher.publish(changes));
        } else {
            changes.into_iter().for_each(|changes| self.publisher.publish_uncertain(changes));
        }
    }

    pub(in crate::store) fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    pub(in crate::store) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}
