//! Lets through one of a kind a minute: refusals are worth recording, but nobody may fill the disk with them.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;

/// For how long one of a kind keeps the others out, in seconds.
const PERIOD_SECONDS: u32 = 60;

/// A gate for things of the kind `K`.
#[derive(Debug)]
pub(crate) struct RateLimit<K> {
    last: Mutex<HashMap<K, Timestamp>>,
    max_kinds: usize,
}

impl<K: Eq + Hash> RateLimit<K> {
    /// A gate that remembers so many kinds. Beyond that new ones are kept out, until old ones are forgotten.
    pub(crate) fn new(max_kinds: usize) -> Self {
        Self { last: Mutex::default(), max_kinds }
    }

    /// Whether this is the first of its kind within a minute.
    pub(crate) fn allows(&self, kind: K, now: Timestamp) -> bool {
        // Nothing here can panic and leave the map half changed.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &Timestamp| *at <= now && now < at.plus_seconds(PERIOD_SECONDS);
        if last.get(&kind).is_some_and(recent) {
            return false;
        }
        if last.len() >= self.max_kinds {
            last.retain(|_, at| recent(at));
        }
        let room = last.len() < self.max_kinds;
        if room {
            last.insert(kind, now);
        }
        room
    }
}

/// Refusals of one kind: the same thing refused to the same token, or to the same network where no token is known.
type Kind = (Action, &'static str, Option<TokenId>, Option<IpAddr>);

/// How many kinds of refusals to tokens are recorded a minute.
const MAX_KNOWN: usize = 4_096;
/// How many kinds of refusals to nobody in particular are recorded a minute. Anyone can cause those.
const MAX_UNKNOWN: usize = 64;

/// The gates of the audit log. There are two, so that strangers cannot crowd out what is said of a token.
#[derive(Debug)]
pub(crate) struct RefusalLimits {
    pub(crate) known: RateLimit<Kind>,
    pub(super) unknown: RateLimit<Kind>,
}

impl Default for RefusalLimits {
    fn default() -> Self {
        Self { known: RateLimit::new(MAX_KNOWN), unknown: RateLimit::new(MAX_UNKNOWN) }
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
        let gate = RateLimit::new(10);
        for (kind, seconds, passes) in [(1, 0, true), (1, 59, false), (2, 59, true), (1, 60, true), (1, 61, false)] {
            assert_eq!(gate.allows(kind, at(seconds)), passes, "{kind} at {seconds}");
        }
    }

    #[test]
    fn the_number_of_kinds_is_bounded_and_old_ones_expire() {
        let gate = RateLimit::new(3);
        for kind in 0..3 {
            assert!(gate.allows(kind, at(0)));
        }
        assert!(!gate.allows(3, at(59)));
        assert!(gate.allows(3, at(60)));
    }
}
