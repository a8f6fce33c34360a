//! Histograms with fixed buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets of a latency, in seconds: from an answer out of memory to one that is given up.
pub const LATENCY_SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// How durations are distributed.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, and one for what is beyond the last.
    buckets: Box<[AtomicU64]>,
    sum_nanos: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The upper bound of each bucket, the last one infinite, and how many fell into it alone.
    pub(super) buckets: Vec<(f64, u64)>,
    pub(super) sum: f64,
    pub(super) count: u64,
}

impl Histogram {
    /// A histogram whose buckets have these upper bounds, in seconds and in order.
    pub fn new(bounds: &'static [f64]) -> Self {
        let buckets = std::iter::repeat_with(AtomicU64::default).take(bounds.len() + 1).collect();
        Self { bounds, buckets, sum_nanos: AtomicU64::default() }
    }

    /// One more took so long.
    pub fn observe(&self, duration: Duration) {
        self.observe_all(duration, 1);
    }

    /// So many more took so long.
    pub(super) fn observe_all(&self, duration: Duration, count: u64) {
        let seconds = duration.as_secs_f64();
        // A bound belongs to its bucket.
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(count, Ordering::Relaxed);
        }
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.sum_nanos.fetch_add(nanos.saturating_mul(count), Ordering::Relaxed);
    }

    /// What it holds now.
    pub fn get(&self) -> Distribution {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let buckets: Vec<_> = bounds.zip(counts).collect();
        // Of the buckets, so that the two always agree.
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_nanos(self.sum_nanos.load(Ordering::Relaxed)).as_secs_f64();
        Distribution { buckets, sum, count }
    }
}

impl Distribution {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Both together. They have the same bounds.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for ((_, count), (_, more)) in self.buckets.iter_mut().zip(&other.buckets) {
            *count += more;
        }
        Self { sum: self.sum + other.sum, count: self.count + other.count, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: &[f64] = &[0.001, 0.01];

    #[test]
    fn a_duration_is_counted_below_at_and_above_a_bound() {
        let histogram = Histogram::new(BOUNDS);
        for micros in [999, 1_000, 1_001, 10_000, 10_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let found = histogram.get();
        assert_eq!(found.buckets, [(0.001, 2), (0.01, 2), (f64::INFINITY, 1)]);
        assert_eq!((found.count, (found.sum * 1_000_000.0).round()), (5, 23_001.0));
        let twice = found.clone().plus(&found);
        assert_eq!((twice.count(), twice.buckets[0].1), (10, 4));
    }
}
