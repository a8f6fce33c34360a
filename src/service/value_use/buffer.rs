//! A buffer for later uses of values, which are written in batches. No rule depends on them, and a write for each would be most of
//! the cost of a verification. First uses are not buffered (R5).
//!
//! A use is buffered if the last known one is at least half a minute old, and is written at most twenty seconds later. So
//! `lastUsedAt` is at most a minute behind in the database. An entry stays in the buffer until it has been written. If the process
//! is killed, the uses of the last minute are lost.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;

/// How long after a buffered use no further one is buffered, in seconds.
const RESOLUTION_SECONDS: u32 = 30;
/// The maximum number of entries: 3 MiB. From half of that, they are written at once.
const MAX_ENTRIES: usize = 65_536;

/// The uses that have not been written yet: the latest of each token.
#[derive(Debug, Default)]
pub(crate) struct UseBuffer {
    entries: Mutex<BTreeMap<TokenId, Timestamp>>,
    pub(crate) nearly_full: Notify,
}

impl UseBuffer {
    /// How many uses one transaction writes; it locks as many tokens.
    pub(crate) const BATCH: usize = 1_000;

    /// Whether a use now should be buffered, if this is the last known one.
    pub(crate) fn is_due(last: Option<Timestamp>, now: Timestamp) -> bool {
        last.is_none_or(|last| last.plus_seconds(RESOLUTION_SECONDS) <= now)
    }

    /// Buffers a use; `false` if the buffer is full, so that the next use should be buffered.
    pub(crate) fn add(&self, id: TokenId, now: Timestamp) -> bool {
        let mut entries = self.entries();
        let fits = entries.len() < MAX_ENTRIES || entries.contains_key(&id);
        if fits {
            let latest = entries.entry(id).or_insert(now);
            *latest = now.max(*latest);
        }
        if entries.len() >= MAX_ENTRIES / 2 {
            self.nearly_full.notify_one();
        }
        fits
    }

    /// How many tokens were used and are yet to be written.
    pub(crate) fn len(&self) -> usize {
        self.entries().len()
    }

    /// The last use of a token, given the last one in the database.
    pub(crate) fn latest(&self, id: TokenId, written: Option<Timestamp>) -> Option<Timestamp> {
        written.max(self.entries().get(&id).copied())
    }

    /// The next uses to write.
    pub(crate) fn batch(&self) -> Vec<(TokenId, Timestamp)> {
        self.entries().iter().map(|(id, at)| (*id, *at)).take(Self::BATCH).collect()
    }

    /// Removes uses that have been written, except of tokens that were used again in the meantime.
    pub(crate) fn remove_written(&self, written: &[(TokenId, Timestamp)]) {
        let mut entries = self.entries();
        for (id, at) in written {
            if entries.get(id) == Some(at) {
                entries.remove(id);
            }
        }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<TokenId, Timestamp>> {
        // Nothing under the lock can panic and leave the map inconsistent.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    fn id(number: usize) -> TokenId {
        TokenId::new(at(i64::try_from(number).unwrap()), [0; 10])
    }

    #[test]
    fn a_use_is_due_half_a_minute_after_the_last() {
        for (now, due) in [(29_999, false), (30_000, true), (30_001, true)] {
            assert_eq!(UseBuffer::is_due(Some(at(0)), at(now)), due, "{now}");
        }
        assert!(UseBuffer::is_due(None, at(0)));
        assert!(!UseBuffer::is_due(Some(at(60_000)), at(0)), "a clock that is behind");
    }

    #[test]
    fn the_latest_use_counts_and_stays_until_it_is_written() {
        let uses = UseBuffer::default();
        uses.add(id(1), at(5));
        uses.add(id(1), at(4));
        assert_eq!(uses.latest(id(1), Some(at(1))), Some(at(5)));
        assert_eq!(uses.latest(id(1), Some(at(9))), Some(at(9)));
        let batch = uses.batch();
        uses.add(id(1), at(6));
        uses.remove_written(&batch);
        assert_eq!(uses.latest(id(1), None), Some(at(6)));
        uses.remove_written(&uses.batch());
        assert_eq!(uses.latest(id(1), None), None);
    }

    #[test]
    fn the_buffer_is_bounded_and_later_uses_of_buffered_tokens_still_fit() {
        let uses = UseBuffer::default();
        for number in 0..MAX_ENTRIES {
            assert!(uses.add(id(number), at(0)));
        }
        assert!(!uses.add(id(MAX_ENTRIES), at(0)));
        assert!(uses.add(id(0), at(1)));
        uses.remove_written(&uses.batch());
        assert!(uses.add(id(MAX_ENTRIES), at(0)));
    }
}
