//! How often values of a token are refused with a code. A single refusal may be a mistake, so only what happens often is announced.
//!
//! Each replica counts by itself, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;

/// For how long refusals are counted together, in minutes.
const WINDOW_MINUTES: u32 = 60;
/// The least time between two announcements of a kind, in seconds.
const RESOLUTION_SECONDS: u32 = 60;
/// How many kinds are counted. A further one takes the place of one that had the fewest refusals, so that single refusals of many tokens do
/// not keep those of another from being announced. This is less than half a megabyte.
const MAX_KINDS: usize = 4_096;

/// A token, and the code with which its values are refused.
type Kind = (TokenId, &'static str);

/// The refusals of each kind.
#[derive(Debug)]
pub(crate) struct FrequentRefusals {
    windows: Mutex<HashMap<Kind, Window>>,
    least: u32,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    begins_at: Timestamp,
    refusals: u32,
    announced_at: Option<Timestamp>,
}

impl FrequentRefusals {
    /// Announces what is refused at least so many times within an hour.
    pub(crate) fn new(least: u32) -> Self {
        Self { windows: Mutex::default(), least }
    }

    /// Counts a refusal; returns whether it is to be announced.
    pub(crate) fn count(&self, kind: Kind, now: Timestamp) -> bool {
        // Nothing here can panic and leave the map inconsistent.
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = |window: &Window| window.begins_at <= now && now < window.begins_at.plus_minutes(WINDOW_MINUTES);
        if windows.len() >= MAX_KINDS && !windows.contains_key(&kind) {
            windows.retain(|_, window| lasts(window));
            let rarest =
                windows.iter().min_by_key(|(_, window)| (window.refusals, window.begins_at)).map(|(kind, _)| *kind);
            if let Some(rarest) = rarest.filter(|_| windows.len() >= MAX_KINDS) {
                windows.remove(&rarest);
            }
        }
        let window = windows.entry(kind).or_insert(Window { begins_at: now, refusals: 0, announced_at: None });
        if !lasts(window) {
            *window = Window { begins_at: now, refusals: 0, ..*window };
        }
        window.refusals = window.refusals.saturating_add(1);
        let was_just_announced = |at: Timestamp| at <= now && now < at.plus_seconds(RESOLUTION_SECONDS);
        let is_announced = window.refusals >= self.least && !window.announced_at.is_some_and(was_just_announced);
        if is_announced {
            window.announced_at = Some(now);
        }
        is_announced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1_000)
    }

    fn token(number: u16) -> TokenId {
        let [high, low] = number.to_be_bytes();
        TokenId::new(at(0), [0, 0, 0, 0, 0, 0, 0, 0, high, low])
    }

    #[test]
    fn what_is_refused_so_often_within_an_hour_is_announced_once_a_minute() {
        let refusals = FrequentRefusals::new(3);
        for (seconds, announced) in [
            (0, false),
            (0, false),
            (3_599, true),
            // Another hour.
            (3_600, false),
            (3_601, false),
            (3_602, false),
            (3_658, false),
            (3_659, true),
            (3_718, false),
            (3_719, true),
        ] {
            assert_eq!(refusals.count((token(1), "A"), at(seconds)), announced, "{seconds}");
        }
    }

    #[test]
    fn tokens_and_codes_are_counted_by_themselves() {
        let refusals = FrequentRefusals::new(2);
        for kind in [(token(1), "A"), (token(1), "B"), (token(2), "A")] {
            assert_eq!([refusals.count(kind, at(0)), refusals.count(kind, at(0))], [false, true]);
        }
        assert!(FrequentRefusals::new(1).count((token(1), "A"), at(0)), "the first one is often enough");
    }

    #[test]
    fn the_number_of_kinds_is_bounded_and_rare_ones_make_room() {
        let refusals = FrequentRefusals::new(3);
        let often = (token(u16::MAX), "A");
        assert_eq!([refusals.count(often, at(0)), refusals.count(often, at(0))], [false, false]);
        for number in 0..2 * u16::try_from(MAX_KINDS).unwrap() {
            assert!(!refusals.count((token(number), "A"), at(1)));
        }
        assert_eq!(refusals.windows.lock().unwrap().len(), MAX_KINDS);
        assert!(refusals.count(often, at(2)), "what is frequent is not forgotten");
        let other = (token(u16::MAX - 1), "A");
        assert_eq!([3, 4, 5].map(|seconds| refusals.count(other, at(seconds))), [false, false, true]);
    }
}
