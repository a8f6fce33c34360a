//! The after-commit hook: what happens once a commit is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::changes::change_set::ChangeSet;
use crate::store::changes::epochs::Publication;
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

    /// Publishes a transaction that was committed: the changes of each of its operations, in order.
    pub(in crate::store) fn committed(&self, changes: impl IntoIterator<Item = ChangeSet>) -> Vec<Publication> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        changes.into_iter().map(|changes| self.publisher.publish(changes)).collect()
    }

    /// Publishes a transaction whose outcome is unknown.
    pub(in crate::store) fn uncertain(&self, changes: impl IntoIterator<Item = ChangeSet>) {
        changes.into_iter().for_each(|changes| self.publisher.publish_uncertain(changes));
    }

    pub(in crate::store) fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    pub(in crate::store) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}
