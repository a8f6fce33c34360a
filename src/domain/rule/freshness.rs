//! How long a client, such as a gateway, may cache the answer that a value works.
//!
//! A cached answer does not notice a revocation. So its time counts together with the time for which a replica may trust its own
//! cache: both together are no longer than R10 allows.

use super::lifecycle::Standing;
use crate::domain::timestamp::Timestamp;

/// The longest time, in seconds (R10).
pub const MAX_FRESH_SECONDS: u32 = 10;

/// For how many whole seconds the answer may be cached that a value with this standing works: not past the time until which the
/// value works, and not past the time until which the server trusts its cache. 0 means not at all. This is so for a previous value,
/// because its holder must be warned each time.
pub fn fresh_seconds(
    standing: Standing,
    good_until: Option<Timestamp>,
    trusted_until: Timestamp,
    now: Timestamp,
) -> u32 {
    match standing {
        Standing::Previous { .. } => 0,
        Standing::Current => {
            let end = good_until.map_or(trusted_until, |good_until| good_until.min(trusted_until));
            now.whole_seconds_until(end).min(MAX_FRESH_SECONDS)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600_000;

    fn at(offset_millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(NOW + offset_millis)
    }

    #[test]
    fn an_answer_is_cached_for_whole_seconds_and_no_longer_than_ten() {
        for (end, seconds) in [
            (-1, 0),
            (0, 0),
            (1, 0),
            (999, 0),
            (1_000, 1),
            (1_001, 1),
            (9_999, 9),
            (10_000, 10),
            (10_001, 10),
            (11_000, 10),
            (i64::from(u32::MAX), 10),
        ] {
            let deadline = fresh_seconds(Standing::Current, Some(at(end)), Timestamp::MAX, at(0));
            let belief = fresh_seconds(Standing::Current, None, at(end), at(0));
            assert_eq!((deadline, belief), (seconds, seconds), "{end}");
        }
        assert_eq!(fresh_seconds(Standing::Current, None, Timestamp::MAX, Timestamp::MIN), 10);
    }

    #[test]
    fn whichever_ends_first_decides() {
        for (good, believed) in [(3_000, 7_000), (7_000, 3_000), (3_500, 3_000)] {
            assert_eq!(fresh_seconds(Standing::Current, Some(at(good)), at(believed), at(0)), 3);
        }
    }

    #[test]
    fn an_answer_about_a_previous_value_is_not_cached() {
        for retires_at in [None, Some(at(60_000))] {
            let previous = Standing::Previous { replaced_at: at(-1), retires_at };
            assert_eq!(fresh_seconds(previous, retires_at, at(10_000), at(0)), 0);
        }
    }
}
