//! Lets through one of a kind a minute: refusals are worth recording, but nobody may fill the disk with them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use crate::domain::timestamp::Timestamp;

/// For how long one of a kind keeps the others out, in seconds.
const PERIOD_SECONDS: u32 = 60;
/// How many kinds are remembered. Beyond that new ones are kept out, until old ones are forgotten.
const MAX_KINDS: usize = 1_024;

/// A gate for things of the kind `K`.
#[derive(Debug)]
pub(super) struct Gate<K>(Mutex<HashMap<K, Timestamp>>);

impl<K> Default for Gate<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Gate<K> {
    /// Whether this is the first of its kind within a minute.
    pub(super) fn admits(&self, kind: K, now: Timestamp) -> bool {
        // Nothing here can panic and leave the map half changed.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &Timestamp| now < at.plus_seconds(PERIOD_SECONDS);
        if last.get(&kind).is_some_and(recent) {
            return false;
        }
        if last.len() >= MAX_KINDS {
            last.retain(|_, at| recent(at));
        }
        last.len() < MAX_KINDS && last.insert(kind, now).is_none_or(|_| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1_000)
    }

    #[test]
    fn one_of_a_kind_passes_a_minute() {
        let gate = Gate::default();
        for (kind, seconds, passes) in [(1, 0, true), (1, 59, false), (2, 59, true), (1, 60, true), (1, 61, false)] {
            assert_eq!(gate.admits(kind, at(seconds)), passes, "{kind} at {seconds}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_forgotten() {
        let gate = Gate::default();
        for kind in 0..MAX_KINDS {
            assert!(gate.admits(kind, at(0)));
        }
        assert!(!gate.admits(MAX_KINDS, at(59)));
        assert!(gate.admits(MAX_KINDS, at(60)));
    }
}
