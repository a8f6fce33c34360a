//! Counters that requests increment without a lock: one for each user of each value that is in use.
//!
//! They are in a table of fixed size. A counter is found by a fingerprint of 64 bits, in one of two buckets that are a cache line each.
//! To add to a counter that exists, a request reads one or two cache lines and writes one. Counters are claimed and released under the
//! lock of the buffer alone.
//!
//! A counter is one atomic number: a tag, which is a part of the fingerprint, and the count. So a request that has found a counter cannot
//! add to the next one that takes its place: the tag would differ, and the compare-and-exchange fails.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::timestamp::Timestamp;

/// The table takes 4 MiB. It is at most half full, so a new counter nearly always finds a place.
const BUCKETS: usize = 65_536;
const BUCKET_COUNTERS: usize = 4;
/// How many counters there can be.
pub(super) const PLACES: usize = BUCKETS * BUCKET_COUNTERS;

/// The low bits of a counter are its count. 16 million uses of a value by one user between two writes are more than one server takes.
const COUNT_BITS: u32 = 24;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

#[derive(Debug)]
pub(super) struct Counters(Box<[Bucket]>);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Bucket([Counter; BUCKET_COUNTERS]);

#[derive(Debug, Default)]
struct Counter {
    /// The tag and the count; 0 if it is free.
    state: AtomicU64,
    /// The last use, in milliseconds since the Unix epoch.
    last: AtomicU64,
}

/// Where a counter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Default for Counters {
    fn default() -> Self {
        Self(std::iter::repeat_with(Bucket::default).take(BUCKETS).collect())
    }
}

impl Counters {
    /// Adds a use to the counter with this fingerprint; `false` if there is none, or if it is full.
    pub(super) fn add(&self, fingerprint: u64, now: Timestamp) -> bool {
        let tag = tag(fingerprint);
        let counters = self.buckets(fingerprint).into_iter().flatten().flat_map(|bucket| &bucket.0);
        for counter in counters {
            let state = counter.state.load(Ordering::Relaxed);
            if state & !COUNT_MASK == tag {
                return counter.add(state, now);
            }
        }
        false
    }

    /// Claims a counter for this fingerprint, and counts one use; `None` if both of its buckets are full.
    pub(super) fn claim(&self, fingerprint: u64, now: Timestamp) -> Option<Place> {
        // The emptier of the two, so that hardly ever both are full; the first one where that makes no difference, because it is looked at
        // first.
        let [first, second] = bucket_numbers(fingerprint);
        let number = if self.free(second) > self.free(first) { second } else { first };
        let counters = self.0.get(number)?.0.iter();
        let (within, counter) = counters.enumerate().find(|(_, counter)| counter.is_free())?;
        counter.last.store(millis(now), Ordering::Relaxed);
        counter.state.store(tag(fingerprint) | 1, Ordering::Release);
        u32::try_from(number * BUCKET_COUNTERS + within).ok().map(Place)
    }

    /// How many counters of a bucket are free.
    fn free(&self, number: usize) -> usize {
        self.0.get(number).map_or(0, |bucket| bucket.0.iter().filter(|counter| counter.is_free()).count())
    }

    /// The count of a counter, and its last use.
    pub(super) fn get(&self, place: Place) -> (u64, Timestamp) {
        let Some(counter) = self.counter(place) else { return (0, Timestamp::MIN) };
        let count = counter.state.load(Ordering::Acquire) & COUNT_MASK;
        (count, counter.last())
    }

    /// As [`Counters::get`], and sets the count to 0.
    pub(super) fn take(&self, place: Place) -> (u64, Timestamp) {
        let Some(counter) = self.counter(place) else { return (0, Timestamp::MIN) };
        let count = counter.state.fetch_and(!COUNT_MASK, Ordering::AcqRel) & COUNT_MASK;
        (count, counter.last())
    }

    /// Releases a counter; `false` if it has counted something since.
    pub(super) fn release(&self, place: Place) -> bool {
        let Some(counter) = self.counter(place) else { return true };
        let state = counter.state.load(Ordering::Relaxed);
        state & COUNT_MASK == 0 && counter.state.compare_exchange(state, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// As [`Counters::take`], and releases the counter: nothing is counted after that.
    pub(super) fn close(&self, place: Place) -> (u64, Timestamp) {
        let Some(counter) = self.counter(place) else { return (0, Timestamp::MIN) };
        let count = counter.state.swap(0, Ordering::AcqRel) & COUNT_MASK;
        (count, counter.last())
    }

    fn buckets(&self, fingerprint: u64) -> [Option<&Bucket>; 2] {
        bucket_numbers(fingerprint).map(|number| self.0.get(number))
    }

    fn counter(&self, Place(place): Place) -> Option<&Counter> {
        let place = usize::try_from(place).ok()?;
        self.0.get(place / BUCKET_COUNTERS)?.0.get(place % BUCKET_COUNTERS)
    }
}

impl Counter {
    fn is_free(&self) -> bool {
        self.state.load(Ordering::Relaxed) == 0
    }

    /// Adds a use to a counter that was in this state.
    fn add(&self, mut state: u64, now: Timestamp) -> bool {
        let tag = state & !COUNT_MASK;
        // Before the count, so that whoever takes the count sees the times of all that it counts.
        if self.last.load(Ordering::Relaxed) < millis(now) {
            self.last.fetch_max(millis(now), Ordering::Relaxed);
        }
        while state & !COUNT_MASK == tag && state & COUNT_MASK != COUNT_MASK {
            match self.state.compare_exchange_weak(state, state + 1, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(changed) => state = changed,
            }
        }
        false
    }

    fn last(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.last.load(Ordering::Relaxed).cast_signed())
    }
}

/// The high bits of the fingerprint, never all 0.
fn tag(fingerprint: u64) -> u64 {
    (fingerprint & !COUNT_MASK).max(1 << COUNT_BITS)
}

/// The two buckets, by other bits than those of the tag and by those of the tag.
fn bucket_numbers(fingerprint: u64) -> [usize; 2] {
    [fingerprint, fingerprint.rotate_left(BUCKETS.ilog2())]
        .map(|bits| usize::try_from(bits % BUCKETS as u64).unwrap_or_default())
}

fn millis(at: Timestamp) -> u64 {
    at.unix_millis().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    #[test]
    fn a_counter_counts_only_its_own_uses_and_knows_the_last() {
        let counters = Counters::default();
        assert!(!counters.add(7 << 40, at(1)), "there is none yet");
        let place = counters.claim(7 << 40, at(2)).unwrap();
        assert!(counters.add(7 << 40, at(9)) && counters.add(7 << 40, at(3)));
        assert!(!counters.add(8 << 40, at(10)), "another fingerprint, in the same bucket");
        assert_eq!(counters.get(place), (3, at(9)));
        assert_eq!(counters.take(place), (3, at(9)));
        assert_eq!(counters.take(place), (0, at(9)));
    }

    #[test]
    fn a_counter_is_released_only_when_all_that_it_counted_was_taken() {
        let counters = Counters::default();
        let place = counters.claim(5, at(0)).unwrap();
        assert!(!counters.release(place));
        counters.take(place);
        counters.add(5, at(1));
        assert!(!counters.release(place));
        counters.take(place);
        assert!(counters.release(place));
        assert!(!counters.add(5, at(2)), "nothing is counted after that");
        assert_eq!(counters.claim(5 | 1 << 40, at(3)), Some(place), "and its place is free");
    }

    #[test]
    fn a_counter_that_is_closed_gives_up_its_count_and_its_place() {
        let counters = Counters::default();
        let place = counters.claim(5, at(0)).unwrap();
        counters.add(5, at(1));
        assert_eq!(counters.close(place), (2, at(1)));
        assert!(!counters.add(5, at(2)), "nothing is counted after that");
        assert_eq!(counters.claim(5 | 1 << 40, at(3)), Some(place), "and its place is free");
    }

    #[test]
    fn a_full_counter_counts_again_when_it_was_taken() {
        let counters = Counters::default();
        let place = counters.claim(5, at(0)).unwrap();
        counters.counter(place).unwrap().state.fetch_or(COUNT_MASK, Ordering::Relaxed);
        assert!(!counters.add(5, at(1)));
        assert_eq!(counters.take(place).0, COUNT_MASK);
        assert!(counters.add(5, at(1)));
        assert_eq!(counters.take(place).0, 1);
    }

    #[test]
    fn half_of_the_places_are_found_by_keyed_fingerprints() {
        use std::hash::BuildHasher;
        let (counters, hasher) = (Counters::default(), quick_cache::DefaultHashBuilder::default());
        let claimed = (0..PLACES / 2).filter(|number| counters.claim(hasher.hash_one(number), at(0)).is_some()).count();
        assert!(claimed > PLACES / 2 - 10, "{claimed}");
    }

    /// Requests count, while the buffer takes the counts and releases the counter for others.
    #[test]
    fn no_use_is_lost_or_counted_twice_whatever_races() {
        const EACH: u64 = 20_000;
        // All in the same two buckets, so that they take each other's places.
        const FINGERPRINTS: [u64; 3] = [1 << 40, 2 << 40, 3 << 40];
        let counters = Counters::default();
        let (taken, slow): ([AtomicU64; 3], [AtomicU64; 3]) = Default::default();
        let places = std::sync::Mutex::new([None::<Place>; 3]);
        std::thread::scope(|scope| {
            for (number, fingerprint) in FINGERPRINTS.into_iter().enumerate() {
                let (counters, places, taken, slow) = (&counters, &places, &taken, &slow);
                scope.spawn(move || {
                    for _ in 0..EACH {
                        if counters.add(fingerprint, at(1)) {
                            continue;
                        }
                        let mut places = places.lock().unwrap();
                        match places[number] {
                            Some(_) => drop(slow[number].fetch_add(1, Ordering::Relaxed)),
                            None => places[number] = counters.claim(fingerprint, at(1)),
                        }
                    }
                });
                scope.spawn(move || {
                    for _ in 0..EACH {
                        let mut places = places.lock().unwrap();
                        if let Some(place) = places[number] {
                            taken[number].fetch_add(counters.take(place).0, Ordering::Relaxed);
                            if counters.release(place) {
                                places[number] = None;
                            }
                        }
                    }
                });
            }
        });
        for (number, place) in places.into_inner().unwrap().into_iter().enumerate() {
            let left = place.map_or(0, |place| counters.take(place).0);
            let counted = taken[number].load(Ordering::Relaxed) + slow[number].load(Ordering::Relaxed) + left;
            assert_eq!(counted, EACH, "{number}");
        }
    }
}
