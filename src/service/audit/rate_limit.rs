//! A rate limit of one a minute for each kind: refusals are worth recording, but no client may fill the disk with them.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;

/// The least time between two of a kind, in seconds.
const PERIOD_SECONDS: u32 = 60;

/// A rate limit of one a minute for each `K`.
#[derive(Debug)]
pub(crate) struct RateLimit<K> {
    last: Mutex<HashMap<K, Timestamp>>,
    max_kinds: usize,
}

impl<K: Eq + Hash> RateLimit<K> {
    /// A rate limit that remembers this many kinds. When it is full, it refuses new kinds until old ones have expired.
    pub(crate) fn new(max_kinds: usize) -> Self {
        Self { last: Mutex::default(), max_kinds }
    }

    /// Whether this is the first of its kind within a minute.
    pub(crate) fn allows(&self, kind: K, now: Timestamp) -> bool {
        // Nothing here can panic and leave the map inconsistent.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(&kind).is_some_and(|at| is_within_period(*at, now)) {
            return false;
        }
        if last.len() >= self.max_kinds {
            last.retain(|_, at| is_within_period(*at, now));
        }
        let room = last.len() < self.max_kinds;
        if room {
            last.insert(kind, now);
        }
        room
    }

    /// Whether one of this kind was allowed less than a minute ago.
    pub(crate) fn is_recent(&self, kind: &K, now: Timestamp) -> bool {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(kind).is_some_and(|at| is_within_period(*at, now))
    }
}

fn is_within_period(last: Timestamp, now: Timestamp) -> bool {
    last <= now && now < last.plus_seconds(PERIOD_SECONDS)
}

/// A kind of refusal: the same thing refused to the same token or, if no token is known, to the same network.
type Kind = (Action, &'static str, Option<TokenId>, Option<IpAddr>);

/// How many kinds of refusals of known tokens are recorded a minute.
const MAX_KNOWN: usize = 4_096;
/// How many kinds of refusals without a known token are recorded a minute. Anyone can cause these.
const MAX_UNKNOWN: usize = 64;

/// The rate limits of the audit log. There are two, so that unknown clients cannot crowd out the events of tokens.
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
    fn one_of_a_kind_is_allowed_a_minute() {
        let limit = RateLimit::new(10);
        for (kind, seconds, passes) in [(1, 0, true), (1, 59, false), (2, 59, true), (1, 60, true), (1, 61, false)] {
            assert_eq!(limit.allows(kind, at(seconds)), passes, "{kind} at {seconds}");
        }
    }

    #[test]
    fn the_number_of_kinds_is_bounded_and_old_ones_expire() {
        let limit = RateLimit::new(3);
        for kind in 0..3 {
            assert!(limit.allows(kind, at(0)));
        }
        assert!(!limit.allows(3, at(59)));
        assert!(limit.allows(3, at(60)));
    }
}
