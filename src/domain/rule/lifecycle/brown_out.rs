//! Brown-outs: during the last quarter of an overlap, if the rotation asked for it, the previous value fails again and again for some
//! seconds, so that a forgotten client is noticed while it still recovers.
//!
//! The quarter is divided into equal cycles of a minute at most, and each begins with an outage. The first outage takes a twentieth of its
//! cycle, the last one half. All follows from the facts of the token, so every replica has the same outages.
//!
//! There are none before the new value is used: until then, the holder of the previous value may have lost the answer, and rotates again (R5).

use crate::domain::timestamp::Timestamp;
use crate::domain::token::{OverlapStart, Token, ValueFacts};

const CYCLE_MILLIS: i64 = 60_000;
/// A quarter that is shorter than that has as many cycles all the same.
const MIN_CYCLES: i64 = 5;
/// How much of a cycle an outage takes, in thousandths: of the first, and of the last.
const SHARE: (i64, i64) = (50, 500);

/// An outage of a previous value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrownOut {
    /// When a newer value replaced it.
    pub replaced_at: Timestamp,
    /// When it stops working for good.
    pub retires_at: Timestamp,
    /// When it works again.
    pub ends_at: Timestamp,
    /// That as whole seconds from now, 1 at least.
    pub retry_after_seconds: u32,
}

/// When the outages of the value of this generation start; `None` if it has none, or none yet.
pub fn starts_at(token: &Token, generation: u32) -> Option<Timestamp> {
    let retires_at = previous(token, generation)?.retires_at?;
    Some(minus_millis(retires_at, quarter_millis(token, retires_at)?))
}

/// The outage of the value of this generation at this time.
pub fn brown_out(token: &Token, generation: u32, now: Timestamp) -> Option<BrownOut> {
    let starts_at = starts_at(token, generation)?;
    let ValueFacts { replaced_at: Some(replaced_at), retires_at: Some(retires_at), .. } = *previous(token, generation)?
    else {
        return None;
    };
    if now < starts_at || retires_at <= now {
        return None;
    }
    let quarter = millis_between(starts_at, retires_at);
    let ends_at = minus_millis(starts_at, -outage_end(quarter, millis_between(starts_at, now))?);
    let ends_at = ends_at.min(retires_at);
    Some(BrownOut { replaced_at, retires_at, ends_at, retry_after_seconds: now.seconds_until(ends_at).max(1) })
}

/// A quarter of the overlap that ends at this time, which may be earlier than the rotation asked for: the token may expire. `None` if there
/// are no outages.
fn quarter_millis(token: &Token, retires_at: Timestamp) -> Option<i64> {
    let first_used_at = token.current.first_used_at.filter(|_| token.current.brown_out)?;
    let began_at = match token.settings.overlap_starts {
        OverlapStart::Rotation => token.current.created_at,
        OverlapStart::FirstUse => first_used_at,
    };
    Some(millis_between(began_at, retires_at).max(0) / 4)
}

fn previous(token: &Token, generation: u32) -> Option<&ValueFacts> {
    token.previous.as_deref().filter(|value| value.generation == generation)
}

/// The end of the outage at this time, if there is one; both in milliseconds since the first cycle began.
fn outage_end(quarter: i64, elapsed: i64) -> Option<i64> {
    let cycles = ((quarter + CYCLE_MILLIS - 1) / CYCLE_MILLIS).max(MIN_CYCLES);
    let cycle = (quarter / cycles).max(1);
    let (index, last) = (elapsed / cycle, cycles - 1);
    let (first_share, last_share) = SHARE;
    let share = first_share + (last_share - first_share) * index.min(last) / last;
    let end = index * cycle + cycle * share / 1_000;
    (elapsed < end).then_some(end)
}

fn millis_between(from: Timestamp, to: Timestamp) -> i64 {
    to.unix_millis().saturating_sub(from.unix_millis())
}

fn minus_millis(moment: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(moment.unix_millis().saturating_sub(millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rule::lifecycle::tests::{MINUTE, at, token};

    /// A token that was rotated at 0 with this overlap, in minutes, and whose new value was used at once.
    fn rotated(overlap_minutes: u32) -> Token {
        let mut token = token(None, None, overlap_minutes);
        let retires_at = Some(at(0).plus_minutes(overlap_minutes));
        token.previous = Some(Box::new(ValueFacts { replaced_at: Some(at(0)), retires_at, ..token.current.clone() }));
        let current = ValueFacts { generation: 2, first_used_at: Some(at(0)), brown_out: true, ..token.current };
        Token { current: ValueFacts { overlap_minutes, ..current }, ..token }
    }

    fn fails(token: &Token, offset: i64) -> bool {
        brown_out(token, 1, at(offset)).is_some()
    }

    #[test]
    fn the_last_quarter_of_an_hour_has_outages_that_grow_from_three_seconds_to_thirty() {
        let token = rotated(60);
        assert_eq!(starts_at(&token, 1), Some(at(45 * MINUTE)));
        assert!(!fails(&token, 45 * MINUTE - 1));
        for (minute, millis) in [(45, 3_000), (46, 4_920), (52, 16_500), (59, 30_000)] {
            let start = minute * MINUTE;
            assert!(!fails(&token, start - 1), "{minute}");
            assert!(fails(&token, start) && fails(&token, start + millis - 1), "{minute}");
            assert!(!fails(&token, start + millis) && !fails(&token, start + MINUTE - 1), "{minute}");
        }
        assert!(!fails(&token, 60 * MINUTE), "it is retired");
    }

    #[test]
    fn an_overlap_that_ends_early_because_the_token_expires_has_its_outages_in_its_own_last_quarter() {
        let mut token = rotated(1_440);
        token.previous.as_mut().unwrap().retires_at = Some(at(60 * MINUTE));
        assert_eq!(starts_at(&token, 1), Some(at(45 * MINUTE)));
        assert!(!fails(&token, 45 * MINUTE - 1) && fails(&token, 45 * MINUTE) && !fails(&token, 45 * MINUTE + 3_000));
    }

    #[test]
    fn an_outage_says_when_it_ends() {
        let outage = brown_out(&rotated(60), 1, at(59 * MINUTE + 500)).unwrap();
        assert_eq!((outage.replaced_at, outage.retires_at), (at(0), at(60 * MINUTE)));
        assert_eq!((outage.ends_at, outage.retry_after_seconds), (at(59 * MINUTE + 30_000), 30));
    }

    #[test]
    fn every_overlap_has_outages_that_grow_and_never_take_more_than_half_of_a_minute() {
        for overlap in (1..=180).chain([1_440, 43_200]) {
            let token = rotated(overlap);
            let quarter = i64::from(overlap) * MINUTE / 4;
            let start = i64::from(overlap) * MINUTE - quarter;
            let step = (quarter / 20_000).clamp(1, 50) * 10;
            let (mut lengths, mut length) = (Vec::new(), 0);
            for offset in (start..start + quarter).step_by(usize::try_from(step).unwrap()) {
                if fails(&token, offset) {
                    length += step;
                } else if length > 0 {
                    lengths.push(std::mem::take(&mut length));
                }
            }
            assert!(lengths.len() >= 5, "{overlap}: {lengths:?}");
            assert!(lengths.windows(2).all(|pair| pair[0] <= pair[1] + step), "{overlap}: {lengths:?}");
            assert!(lengths.iter().all(|length| *length <= MINUTE / 2 + step), "{overlap}: {lengths:?}");
            let failed: i64 = lengths.iter().sum();
            assert!(
                (failed * 4 - quarter).abs() < quarter / 5,
                "about a quarter of the time, {overlap}: {failed} of {quarter}"
            );
        }
    }

    #[test]
    fn r5_there_is_no_outage_before_the_new_value_is_used_or_if_nobody_asked_for_it_or_of_the_new_value() {
        let now = 45 * MINUTE;
        let token = rotated(60);
        assert!(fails(&token, now));
        assert_eq!(brown_out(&token, 2, at(now)), None);
        for (first_used_at, brown_out) in [(None, true), (Some(at(0)), false)] {
            let current = ValueFacts { first_used_at, brown_out, ..token.current.clone() };
            let token = Token { current, ..token.clone() };
            assert!(!fails(&token, now));
            assert_eq!(starts_at(&token, 1), None);
        }
    }

    #[test]
    fn there_is_no_outage_before_an_overlap_begins_or_after_it_was_ended() {
        let mut token = rotated(60);
        token.previous.as_mut().unwrap().retires_at = None;
        assert!(!fails(&token, 45 * MINUTE));
        token.previous = None;
        assert!(!fails(&token, 45 * MINUTE));
    }
}
