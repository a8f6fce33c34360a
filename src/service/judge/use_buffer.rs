//! Later uses of values: noted in memory when they happen and written together soon after, because they decide nothing and a
//! write for each would be most of the cost of a check. The first use of a value is not among them (R5).
//!
//! A use is noted when the one known is half a minute old, and written at most twenty seconds later, so that `lastUsedAt` is
//! at most a minute behind in the database. What is noted is kept until it has been written; a process that is killed takes
//! the last minute of it along.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;

/// For how long a use need not be noted again, in seconds.
const RESOLUTION_SECONDS: u32 = 30;
/// How many are noted at most: 3 MiB. Half as many are written before their time.
const MAX_NOTED: usize = 65_536;

/// The uses that are not yet written: the latest of each token.
#[derive(Debug, Default)]
pub(crate) struct UseBuffer {
    noted: Mutex<BTreeMap<TokenId, Timestamp>>,
    pub(crate) crowded: Notify,
}

impl UseBuffer {
    /// How many are written by one transaction, which holds the locks of as many tokens.
    pub(crate) const BATCH: usize = 1_000;

    /// Whether a use at this moment is worth noting where this is the last one known.
    pub(crate) fn is_due(last: Option<Timestamp>, now: Timestamp) -> bool {
        last.is_none_or(|last| last.plus_seconds(RESOLUTION_SECONDS) <= now)
    }

    /// Notes a use; `false` if there is no room, so that it should be noted again.
    pub(crate) fn note(&self, id: TokenId, now: Timestamp) -> bool {
        let mut noted = self.noted();
        let room = noted.len() < MAX_NOTED || noted.contains_key(&id);
        if room {
            let latest = noted.entry(id).or_insert(now);
            *latest = now.max(*latest);
        }
        if noted.len() >= MAX_NOTED / 2 {
            self.crowded.notify_one();
        }
        room
    }

    /// The last use of a token of which the database knows this one.
    pub(crate) fn latest(&self, id: TokenId, written: Option<Timestamp>) -> Option<Timestamp> {
        written.max(self.noted().get(&id).copied())
    }

    pub(crate) fn batch(&self) -> Vec<(TokenId, Timestamp)> {
        self.noted().iter().map(|(id, at)| (*id, *at)).take(Self::BATCH).collect()
    }

    /// Forgets what has been written; of a token that was used again meanwhile that is not the latest.
    pub(crate) fn forget(&self, written: &[(TokenId, Timestamp)]) {
        let mut noted = self.noted();
        for (id, at) in written {
            if noted.get(id) == Some(at) {
                noted.remove(id);
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, BTreeMap<TokenId, Timestamp>> {
        // Nothing that is done under the lock can panic and leave the map half changed.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn the_latest_use_counts_and_stays_until_that_very_one_is_written() {
        let uses = UseBuffer::default();
        uses.note(id(1), at(5));
        uses.note(id(1), at(4));
        assert_eq!(uses.latest(id(1), Some(at(1))), Some(at(5)));
        assert_eq!(uses.latest(id(1), Some(at(9))), Some(at(9)));
        let batch = uses.batch();
        uses.note(id(1), at(6));
        uses.forget(&batch);
        assert_eq!(uses.latest(id(1), None), Some(at(6)));
        uses.forget(&uses.batch());
        assert_eq!(uses.latest(id(1), None), None);
    }

    #[test]
    fn what_is_noted_is_bounded_and_those_already_noted_still_have_room() {
        let uses = UseBuffer::default();
        for number in 0..MAX_NOTED {
            assert!(uses.note(id(number), at(0)));
        }
        assert!(!uses.note(id(MAX_NOTED), at(0)));
        assert!(uses.note(id(0), at(1)));
        uses.forget(&uses.batch());
        assert!(uses.note(id(MAX_NOTED), at(0)));
    }
}
