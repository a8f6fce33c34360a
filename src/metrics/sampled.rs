//! The latency of answers that take hardly longer than to read the clock: all are counted, and one in 64 is timed.
//!
//! The one that is timed stands for those since the last that was, so the histogram has the right weights, and lacks at most 63
//! answers of each thread.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::histogram::{Distribution, Histogram, LATENCY_SECONDS};
use super::shard::Sharded;

/// How many answers one timing stands for. A power of two, because dividing by another would take longer than all else here.
const PERIOD: u64 = 64;

/// Counts answers, and how long they took.
#[derive(Debug)]
pub struct SampledLatency {
    shards: Sharded<Shard>,
    timed: Histogram,
}

#[derive(Debug, Default)]
struct Shard {
    answers: AtomicU64,
    /// How many of them the histogram has.
    timed: AtomicU64,
}

impl Default for SampledLatency {
    fn default() -> Self {
        Self { shards: Sharded::default(), timed: Histogram::new(LATENCY_SECONDS) }
    }
}

impl SampledLatency {
    /// When the answer begins that is to be made now on this thread, if it is one to be timed.
    pub fn begin(&self) -> Option<Instant> {
        let (shard, _) = self.shards.own()?;
        let answers = shard.answers.load(Ordering::Relaxed);
        answers.is_multiple_of(PERIOD).then(Instant::now)
    }

    /// The answer is made that began then.
    pub fn end(&self, begun: Option<Instant>) {
        let Some((shard, writer)) = self.shards.own() else { return };
        let answers = writer.increment(&shard.answers);
        if let Some(begun) = begun {
            let before = shard.timed.swap(answers, Ordering::Relaxed);
            // Threads that share a shard may come here in either order.
            self.timed.observe_all(begun.elapsed(), answers.saturating_sub(before));
        }
    }

    /// How many answers were counted.
    pub fn count(&self) -> u64 {
        self.shards.iter().map(|shard| shard.answers.load(Ordering::Relaxed)).sum()
    }

    /// How long they took.
    pub fn get(&self) -> Distribution {
        self.timed.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_period_is_timed_and_stands_for_the_others() {
        let latency = SampledLatency::default();
        let mut timed = 0;
        for answer in 1..=10 * PERIOD + 1 {
            let begun = latency.begin();
            timed += u64::from(begun.is_some());
            latency.end(begun);
            assert_eq!(latency.count(), answer);
            // Never more than there were, and fewer by less than a period.
            assert!((answer.saturating_sub(PERIOD - 1)..=answer).contains(&latency.get().count()));
        }
        assert_eq!((timed, latency.get().count()), (11, 10 * PERIOD + 1));
    }
}
