//! When a failed delivery is repeated: with exponential backoff and jitter, for three days after its first attempt.

use jiff::fmt::rfc2822::DateTimeParser;

use crate::domain::timestamp::Timestamp;

/// The pause after the first attempt. It doubles with each further one.
const FIRST_PAUSE_SECONDS: i64 = 5;
/// The longest pause.
pub const LONGEST_PAUSE_MINUTES: u32 = 6 * 60;
/// For how long after its first attempt a delivery is repeated.
const LIFETIME_MINUTES: u32 = 3 * 24 * 60;
/// The longest pause that a receiver can ask for. Otherwise one answer could keep all later notices of a token back for days.
pub const MAX_RETRY_AFTER_SECONDS: u32 = 6 * 60 * 60;

/// A failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When the first one began.
    pub first_at: Timestamp,
    /// Its number, from 1.
    pub number: u32,
    /// When it failed.
    pub at: Timestamp,
    /// The pause that the receiver asked for.
    pub retry_after_seconds: Option<u32>,
}

/// When to try again after a failed attempt; `None` if this was the last one. The last attempt is made when the three days end, so that a
/// receiver that works again by then gets the notice. Random bits make the pause shorter by up to a quarter, so that deliveries that failed
/// together are not repeated together.
pub fn next_attempt(failed: Attempt, random: u16) -> Option<Timestamp> {
    let last = failed.first_at.plus_minutes(LIFETIME_MINUTES);
    if last <= failed.at {
        return None;
    }
    let doubled = FIRST_PAUSE_SECONDS.checked_shl(failed.number.saturating_sub(1).min(32)).unwrap_or(i64::MAX);
    let pause = doubled.min(i64::from(LONGEST_PAUSE_MINUTES) * 60) * 1_000;
    let jitter = pause / 4 * i64::from(random) / i64::from(u16::MAX);
    let requested = failed.retry_after_seconds.map_or(0, |seconds| i64::from(seconds.min(MAX_RETRY_AFTER_SECONDS)));
    let pause = (pause - jitter).max(requested * 1_000);
    Some(Timestamp::from_unix_millis(failed.at.unix_millis().saturating_add(pause)).min(last))
}

/// The seconds that a `Retry-After` header asks for at this time (RFC 9110, section 10.2.3): a number of them, or a date. `None` if it is
/// neither.
pub fn retry_after(text: &str, now: Timestamp) -> Option<u32> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().unwrap_or(u32::MAX));
    }
    let date = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(now.whole_seconds_until(Timestamp::from_unix_millis(date.as_millisecond())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000;
    const HOUR: i64 = 3_600 * SECOND;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    /// The pause after this attempt, in milliseconds.
    fn pause(number: u32, random: u16, retry_after_seconds: Option<u32>) -> i64 {
        let failed = Attempt { first_at: at(0), number, at: at(SECOND), retry_after_seconds };
        next_attempt(failed, random).unwrap().unix_millis() - SECOND
    }

    #[test]
    fn the_pause_doubles_from_five_seconds_to_six_hours_less_up_to_a_quarter() {
        for (number, longest) in [
            (1, 5 * SECOND),
            (2, 10 * SECOND),
            (3, 20 * SECOND),
            (10, 2_560 * SECOND),
            (13, 20_480 * SECOND),
            (14, 6 * HOUR),
            (15, 6 * HOUR),
            (1_000, 6 * HOUR),
            (u32::MAX, 6 * HOUR),
        ] {
            assert_eq!(pause(number, 0, None), longest, "{number}");
            assert_eq!(pause(number, u16::MAX, None), longest - longest / 4, "{number}");
        }
    }

    #[test]
    fn a_receiver_can_ask_for_a_longer_pause_of_at_most_six_hours() {
        assert_eq!(pause(1, 0, Some(4)), 5 * SECOND);
        assert_eq!(pause(1, 0, Some(6)), 6 * SECOND);
        assert_eq!(pause(1, u16::MAX, Some(6)), 6 * SECOND);
        assert_eq!(pause(1, 0, Some(MAX_RETRY_AFTER_SECONDS)), 6 * HOUR);
        assert_eq!(pause(1, 0, Some(MAX_RETRY_AFTER_SECONDS + 1)), 6 * HOUR);
        assert_eq!(pause(1, 0, Some(u32::MAX)), 6 * HOUR);
    }

    #[test]
    fn the_last_attempt_is_three_days_after_the_first() {
        let three_days = 72 * HOUR;
        let next = |failed_at| {
            next_attempt(Attempt { first_at: at(0), number: 20, at: at(failed_at), retry_after_seconds: None }, 0)
        };
        assert_eq!(next(three_days - 6 * HOUR - 1), Some(at(three_days - 1)));
        assert_eq!(next(three_days - 6 * HOUR + 1), Some(at(three_days)));
        assert_eq!(next(three_days - 1), Some(at(three_days)));
        assert_eq!(next(three_days), None);
        assert_eq!(next(three_days + 1), None);
    }

    #[test]
    fn a_retry_after_is_a_number_of_seconds_or_a_date() {
        let now = Timestamp::parse("2026-01-31T12:00:00Z").unwrap();
        for (text, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("99999999999999999999", Some(u32::MAX)),
            ("Sat, 31 Jan 2026 12:02:00 GMT", Some(120)),
            ("Sat, 31 Jan 2026 11:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(text, now), seconds, "{text}");
        }
    }

    proptest! {
        /// Whatever a receiver and chance do: the attempts go on for three days, at a bounded rate, and then end.
        #[test]
        fn a_delivery_is_tried_for_three_days_and_a_bounded_number_of_times(
            answers in proptest::collection::vec((any::<u16>(), proptest::option::of(any::<u32>()), 0..10_000_i64), 64)
        ) {
            let (mut now, mut ended) = (at(0), false);
            for (number, (random, retry_after_seconds, takes)) in (1..).zip(answers) {
                let failed_at = at(now.unix_millis() + takes);
                match next_attempt(Attempt { first_at: at(0), number, at: failed_at, retry_after_seconds }, random) {
                    Some(next) => {
                        let is_last = next == at(72 * HOUR);
                        let pause = next.unix_millis() - failed_at.unix_millis();
                        prop_assert!(is_last || (3_750..=6 * HOUR).contains(&pause), "{pause} after attempt {number}");
                        now = next;
                    }
                    None => {
                        prop_assert!(now == at(72 * HOUR), "the last attempt was at {now}");
                        ended = true;
                        break;
                    }
                }
            }
            prop_assert!(ended);
        }
    }
}
