//! Counters of events that take longer than counting them: one atomic number is enough.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts so many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many were counted.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A counter for each name of a closed list, such as the error codes.
#[derive(Debug)]
pub struct CounterByName {
    counters: Vec<(&'static str, Counter)>,
}

impl CounterByName {
    /// Counters for these names.
    pub fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        Self { counters: names.into_iter().map(|name| (name, Counter::default())).collect() }
    }

    /// Counts one more of this name. A name that is not in the list is not counted.
    pub fn increment(&self, name: &'static str) {
        self.add(name, 1);
    }

    /// Counts so many more of this name.
    pub fn add(&self, name: &'static str, count: u64) {
        if let Some((_, counter)) = self.counters.iter().find(|(known, _)| *known == name) {
            counter.add(count);
        }
    }

    /// Every name with its count.
    pub fn get(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counters.iter().map(|(name, counter)| (*name, counter.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_counted_by_itself() {
        let counters = CounterByName::new(["OK", "GONE"]);
        for name in ["OK", "GONE", "OK", "unknown"] {
            counters.increment(name);
        }
        assert_eq!(counters.get().collect::<Vec<_>>(), [("OK", 2), ("GONE", 1)]);
    }
}
