//! What is remembered of presented values, so that the next judgement of one asks no database.
//!
//! Only facts are remembered and never what came of them: every request is judged anew at its own moment, so that no
//! deadline passes unseen. A fact is believed while contact lasts and nothing that was heard since it was read concerns its
//! token (R10); otherwise the database is asked, and if it does not answer, nobody is let in.
//!
//! That a value is unknown is remembered for a few seconds. It cannot become known meanwhile: a value comes out of random
//! bytes or, repeatably, of a random salt (R6), and nobody can present it before some replica has committed and told it. What
//! was known stays known, because no token is ever deleted. A retired value is, long after; where it is remembered, it goes on
//! being refused as retired.

use std::sync::Arc;

use quick_cache::sync::{Cache as Bounded, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};

use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::ValueHash;
use crate::store::Stamp;

/// For how long an unknown value is remembered, in seconds.
const UNKNOWN_SECONDS: u32 = 10;
/// How many unknown values are remembered, a tenth more at most. Anyone can present those, so they have a room of their own.
const MAX_UNKNOWN: usize = 10_000;

/// Into how many parts a cache is divided at most, so that those who look something up at once hardly meet.
const MAX_SHARDS: usize = 32;
/// How many entries make another part worth while.
const SHARD: usize = 2_048;

/// A value that a token has or had, as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) token: Arc<Token>,
    /// Which value of the token it is.
    pub(crate) generation: u32,
    /// The moment before it was read.
    pub(crate) stamp: Stamp,
}

/// The values that are remembered, by their SHA-256.
#[derive(Debug)]
pub(crate) struct Cache {
    known: Bounded<ValueHash, Known>,
    /// Since when they are.
    unknown: Bounded<ValueHash, Timestamp>,
}

impl Cache {
    /// A cache of so many values of tokens, or a tenth more; of none, nothing is remembered.
    pub(crate) fn new(max_known: usize) -> Self {
        let max_unknown = if max_known == 0 { 0 } else { MAX_UNKNOWN };
        Self { known: bounded(max_known), unknown: bounded(max_unknown) }
    }

    /// Remembers what is known of the value of this hash.
    pub(crate) fn remember(&self, hash: ValueHash, known: Known) {
        self.known.insert(hash, known);
    }

    /// What is remembered of the value of this hash.
    pub(crate) fn known(&self, hash: &ValueHash) -> Option<Known> {
        self.known.get(hash)
    }

    /// Remembers for a while that no token has the value of this hash.
    pub(crate) fn remember_unknown(&self, hash: ValueHash, now: Timestamp) {
        self.unknown.insert(hash, now);
    }

    /// Whether that is remembered.
    pub(crate) fn is_unknown(&self, hash: &ValueHash, now: Timestamp) -> bool {
        let since = self.unknown.get(hash);
        since.is_some_and(|since| since <= now && now < since.plus_seconds(UNKNOWN_SECONDS))
    }
}

/// A cache with room for at least so many.
///
/// It is made of shards, each of which forgets by itself when it is full, and hashes do not spread over them evenly: their
/// numbers differ by about the square root of what each holds. With five times that of room to spare, which is a tenth, one is
/// forgotten before its time less than once in ten thousand fillings. The hash is keyed, for clients choose what is looked up.
fn bounded<V: Clone>(entries: usize) -> Bounded<ValueHash, V> {
    let shards = (entries / SHARD).clamp(1, MAX_SHARDS).next_power_of_two();
    let spare = if shards == 1 { 0 } else { 5 * entries.saturating_mul(shards).isqrt() };
    let room = entries.saturating_add(spare);
    let options = OptionsBuilder::new()
        .shards(shards)
        .estimated_items_capacity(room)
        .weight_capacity(u64::try_from(room).unwrap_or(u64::MAX))
        .build();
    options.map_or_else(
        // Both sizes are given, so this is for the compiler.
        |_| Bounded::new(room),
        |options| {
            Bounded::with_options(options, UnitWeighter, DefaultHashBuilder::default(), DefaultLifecycle::default())
        },
    )
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn hash(number: usize) -> ValueHash {
        ValueHash(Sha256::digest(number.to_le_bytes()).into())
    }

    /// So that whoever has as many values in use as the operator made room for never asks the database again.
    #[test]
    fn a_cache_of_so_many_values_holds_so_many() {
        for entries in [0, 1, 10, 33, 1_000, 4_095, 4_096, 10_000, 100_000] {
            let cache = bounded(entries);
            for number in 0..entries {
                cache.insert(hash(number), number);
            }
            let found = (0..entries).filter(|number| cache.get(&hash(*number)) == Some(*number)).count();
            assert_eq!(found, entries);
        }
    }

    #[test]
    fn what_is_held_is_bounded_and_of_a_cache_of_none_it_is_nothing() {
        for (entries, most) in [(0, 0), (1, 1), (1_000, 1_000), (10_000, 11_100)] {
            let cache = bounded(entries);
            for number in 0..40_000 {
                cache.insert(hash(number), ());
            }
            assert!(cache.len() <= most, "{} of {entries}", cache.len());
        }
    }
}
