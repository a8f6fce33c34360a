//! Shards: each thread counts in one of its own, so that no cache line is shared between processors.
//!
//! Verifying a remembered value takes about a microsecond. One counter for all threads would be contended: the processors would
//! pass its cache line to and fro for longer than that.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// More than there are threads that serve requests on most machines. Each of the first threads that count has a shard of its own, and
/// all later ones share the last, which is slower and counts as exactly.
const SHARDS: usize = 64;

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

/// One value for each shard, each on cache lines of its own: two of them, because processors fetch them in pairs.
#[derive(Debug)]
pub(super) struct Sharded<T>(Box<[Line<T>]>);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Line<T>(T);

impl<T: Default> Default for Sharded<T> {
    fn default() -> Self {
        Self(std::iter::repeat_with(Line::default).take(SHARDS).collect())
    }
}

/// Who writes to a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// This thread alone: no other thread ever gets its number.
    Alone,
    /// Several threads.
    Several,
}

impl Writer {
    /// Adds one to a number of a shard; what it then is.
    ///
    /// A locked instruction would take most of the time of counting. A thread that writes alone needs none.
    pub(super) fn increment(self, number: &AtomicU64) -> u64 {
        match self {
            Self::Alone => {
                let next = number.load(Ordering::Relaxed) + 1;
                number.store(next, Ordering::Relaxed);
                next
            }
            Self::Several => number.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }
}

impl<T> Sharded<T> {
    /// The shard of this thread, and who writes to it; `None` while the thread ends.
    pub(super) fn own(&self) -> Option<(&T, Writer)> {
        const SHARED: usize = SHARDS - 1;
        let thread = THREAD.try_with(|thread| *thread).ok()?;
        let (shard, writer) = if thread < SHARED { (thread, Writer::Alone) } else { (SHARED, Writer::Several) };
        self.0.get(shard).map(|line| (&line.0, writer))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|line| &line.0)
    }
}

/// A counter for what is as quick as counting.
#[derive(Debug, Default)]
pub struct ShardedCounter(Sharded<AtomicU64>);

impl ShardedCounter {
    /// Counts one more.
    pub fn increment(&self) {
        if let Some((shard, writer)) = self.0.own() {
            writer.increment(shard);
        }
    }

    /// How many were counted.
    pub fn get(&self) -> u64 {
        self.0.iter().map(|shard| shard.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_counts_and_none_is_lost_where_threads_share_a_shard() {
        let counter = ShardedCounter::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * SHARDS {
                scope.spawn(|| (0..1_000).for_each(|_| counter.increment()));
            }
        });
        assert_eq!(counter.get(), 2 * SHARDS as u64 * 1_000);
    }
}
