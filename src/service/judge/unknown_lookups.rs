//! The limits of lookups that anyone can cause: of foreign values that find nothing, and of values that are reported to have leaked.
//!
//! A text that has the form of a foreign value costs a lookup, whoever invents it. Lookups that find a value do not count, and known
//! values are cached. So a client with an imported value notices the limit only at the first use that this server sees, while others
//! guess.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::timestamp::Timestamp;

/// How many lookups a second may find nothing.
const MAX_A_SECOND: u32 = 1_000;
/// How many seconds ago a request may have begun that has waited.
const LATE_SECONDS: i64 = 10;

/// Those of values that are reported to have leaked. Strangers cannot crowd out callers. What is found counts as well: otherwise the limit
/// would tell whether it was.
#[derive(Debug, Default)]
pub(crate) struct LeakLookups {
    pub(crate) strangers: UnknownLookups,
    pub(crate) callers: UnknownLookups,
}

/// The lookups of the current second that found nothing, or are not finished.
#[derive(Debug, Default)]
pub(crate) struct UnknownLookups(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    second: i64,
    lookups: u32,
}

/// A lookup that counts unless it is given back.
pub(crate) struct Lookup<'a> {
    limit: &'a UnknownLookups,
    second: i64,
}

impl UnknownLookups {
    /// Begins a lookup; `None` if too many have found nothing.
    pub(crate) fn begin(&self, now: Timestamp) -> Option<Lookup<'_>> {
        let second = now.unix_millis().div_euclid(1_000);
        let mut window = self.window();
        // A request that has waited counts in the present second. A clock that was set back begins anew.
        let is_late = (window.second.saturating_sub(LATE_SECONDS)..=window.second).contains(&second);
        let second = if is_late { window.second } else { second };
        if window.second != second {
            *window = Window { second, lookups: 0 };
        }
        if window.lookups >= MAX_A_SECOND {
            return None;
        }
        window.lookups += 1;
        Some(Lookup { limit: self, second })
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lookup<'_> {
    /// The lookup has found a value, and does not count.
    pub(crate) fn give_back(self) {
        let mut window = self.limit.window();
        if window.second == self.second {
            window.lookups = window.lookups.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookups_that_find_nothing_are_limited_each_second_and_others_are_not() {
        let (limit, at) = (UnknownLookups::default(), Timestamp::from_unix_millis);
        for _ in 0..10 * MAX_A_SECOND {
            limit.begin(at(1_000)).unwrap().give_back();
        }
        for number in 0..MAX_A_SECOND {
            assert!(limit.begin(at(1_000 + i64::from(number % 1_000))).is_some(), "{number}");
        }
        assert!(limit.begin(at(1_999)).is_none());
        let late = limit.begin(at(2_000)).unwrap();
        for _ in 0..MAX_A_SECOND {
            assert!(limit.begin(at(60_000)).is_some());
        }
        late.give_back();
        assert_eq!(limit.window().lookups, MAX_A_SECOND, "of another second");
        assert!(limit.begin(at(59_999)).is_none(), "one that has waited does not begin the second anew");
        assert!(limit.begin(at(49_000)).is_some(), "after the clock was set back");
    }
}
