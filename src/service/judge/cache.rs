//! The cache of presented values, so that the next judgement of a value needs no lookup.
//!
//! It holds facts, not verdicts: every request is judged again at its own time, so no deadline is missed. An entry is used only
//! while there is contact with the database, and until a change to its token is published (R10). Otherwise the value is looked up;
//! if the database does not answer, the request fails.
//!
//! Unknown values are cached for a few seconds. An unknown value cannot become known in that time: values are made of random bytes
//! or of a random salt (R6), so no client can present one before a replica has committed and returned it. Only a value that is imported
//! existed before, and may be refused for so long on other replicas. A known value stays
//! known, because tokens are never deleted. Retired values are deleted, but long after; one that is still cached is refused as
//! retired.

use std::sync::Arc;

use quick_cache::sync::{Cache as Bounded, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};

use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::ValueHash;
use crate::store::Stamp;

/// How long an unknown value is cached, in seconds.
const UNKNOWN_SECONDS: u32 = 10;
/// How many unknown values are cached, or a tenth more. They have a separate cache, because anyone can present any number of them.
const MAX_UNKNOWN: usize = 10_000;

/// The maximum number of shards of a cache, which reduce lock contention.
const MAX_SHARDS: usize = 32;
/// How many entries a shard should have at least.
const MIN_SHARD_ENTRIES: usize = 2_048;

/// A value that a token has or had, as it was read from the database.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) token: Arc<Token>,
    /// Which value of the token it is.
    pub(crate) generation: u32,
    /// The stamp from before the read.
    pub(crate) stamp: Stamp,
}

/// Cached values, by their SHA-256.
#[derive(Debug)]
pub(crate) struct Cache {
    known: Bounded<ValueHash, Known>,
    /// When each was found to be unknown.
    unknown: Bounded<ValueHash, Timestamp>,
}

impl Cache {
    /// A cache for this many values of tokens, or a tenth more. With 0, nothing is cached, not even unknown values.
    pub(crate) fn new(max_known: usize) -> Self {
        let max_unknown = if max_known == 0 { 0 } else { MAX_UNKNOWN };
        Self { known: bounded(max_known), unknown: bounded(max_unknown) }
    }

    /// How many values of tokens are cached, and how many texts that no token has.
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.known.len(), self.unknown.len())
    }

    /// About how much memory the values of tokens take. It visits all of them.
    pub(crate) fn bytes(&self) -> u64 {
        let each = size_of::<ValueHash>() + size_of::<Known>() + size_of::<Token>();
        self.known.iter().map(|(_, known)| (each + text_bytes(&known.token)) as u64).sum()
    }

    /// Caches what is known about the value with this hash.
    pub(crate) fn insert(&self, hash: ValueHash, known: Known) {
        self.known.insert(hash, known);
    }

    /// What is cached about the value with this hash.
    pub(crate) fn known(&self, hash: &ValueHash) -> Option<Known> {
        self.known.get(hash)
    }

    /// Caches for a while that no token has the value with this hash.
    pub(crate) fn insert_unknown(&self, hash: ValueHash, now: Timestamp) {
        self.unknown.insert(hash, now);
    }

    /// The value with this hash has just been imported.
    pub(crate) fn remove_unknown(&self, hash: &ValueHash) {
        self.unknown.remove(hash);
    }

    /// Whether it is cached that no token has the value with this hash.
    pub(crate) fn is_unknown(&self, hash: &ValueHash, now: Timestamp) -> bool {
        let since = self.unknown.get(hash);
        since.is_some_and(|since| since <= now && now < since.plus_seconds(UNKNOWN_SECONDS))
    }
}

/// The length of the texts of a token, which are most of what it refers to.
fn text_bytes(token: &Token) -> usize {
    let settings = &token.settings;
    let texts = [&settings.description, &settings.owner].into_iter().flatten();
    let texts = texts.map(|text| text.len()).sum::<usize>();
    settings.name.len() + settings.scopes.as_str().len() + texts + settings.metadata.bytes()
}

/// A cache for at least this many entries.
///
/// Each shard evicts entries by itself when it is full, and hashes do not spread evenly: the sizes of shards differ by about the
/// square root of their mean. Five times that, which is a tenth, is added as spare capacity. Then an entry is evicted too early
/// less than once in ten thousand fillings. The hash is keyed, because clients choose what is looked up.
fn bounded<V: Clone>(entries: usize) -> Bounded<ValueHash, V> {
    let shards = (entries / MIN_SHARD_ENTRIES).clamp(1, MAX_SHARDS).next_power_of_two();
    let spare = if shards == 1 { 0 } else { 5 * entries.saturating_mul(shards).isqrt() };
    let room = entries.saturating_add(spare);
    let options = OptionsBuilder::new()
        .shards(shards)
        .estimated_items_capacity(room)
        .weight_capacity(u64::try_from(room).unwrap_or(u64::MAX))
        .build();
    options.map_or_else(
        // Building fails only without both sizes, which are given.
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

    /// So that a server with as many values in use as the configured size never looks one up again.
    #[test]
    fn a_cache_holds_at_least_as_many_values_as_its_size() {
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
    fn a_cache_is_bounded_and_one_of_size_0_holds_nothing() {
        for (entries, most) in [(0, 0), (1, 1), (1_000, 1_000), (10_000, 11_100)] {
            let cache = bounded(entries);
            for number in 0..40_000 {
                cache.insert(hash(number), ());
            }
            assert!(cache.len() <= most, "{} of {entries}", cache.len());
        }
    }
}
