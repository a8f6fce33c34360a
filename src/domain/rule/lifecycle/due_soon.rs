//! Whether a token must be rotated soon, so that whoever presents or verifies its value is warned (R16).

use super::Standing;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

/// The share of a rotation period that must be left for no warning: a tenth.
const WARNED_SHARE: i64 = 10;
const MILLIS_PER_MINUTE: i64 = 60_000;

/// What the holder of a value that works should know ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warnings {
    /// The standing of the value. It says when a previous value retires.
    pub standing: Standing,
    /// When the token becomes overdue, if that is soon.
    pub rotate_soon_by: Option<Timestamp>,
}

impl Warnings {
    /// Those for the holder of a value of this token.
    pub fn of(token: &Token, standing: Standing, now: Timestamp) -> Self {
        Self { standing, rotate_soon_by: rotate_soon_by(token, now) }
    }
}

/// When the token becomes overdue, if no more than a tenth of its period is left. `None` if a rotation cannot help, because the token expires
/// first.
pub fn rotate_soon_by(token: &Token, now: Timestamp) -> Option<Timestamp> {
    let rotate_by = token.rotate_by()?;
    let period = i64::from(token.settings.rotation_period_minutes?).saturating_mul(MILLIS_PER_MINUTE);
    let left = rotate_by.unix_millis().saturating_sub(now.unix_millis());
    let expires_first = token.settings.expires_at.is_some_and(|expires_at| expires_at <= rotate_by);
    (left <= period / WARNED_SHARE && !expires_first).then_some(rotate_by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rule::lifecycle::tests::{MINUTE, at, token};

    #[test]
    fn r16_a_token_is_due_soon_in_the_last_tenth_of_its_period() {
        let token = token(None, Some(60), 10);
        let due = Some(at(60 * MINUTE));
        for (offset, expected) in [(0, None), (54 * MINUTE - 1, None), (54 * MINUTE, due), (60 * MINUTE - 1, due)] {
            assert_eq!(rotate_soon_by(&token, at(offset)), expected, "{offset}");
        }
    }

    #[test]
    fn r2_a_token_that_expires_first_is_not_due_soon() {
        for (expires_minutes, due) in [(59, false), (60, false), (61, true)] {
            let token = token(Some(expires_minutes * MINUTE), Some(60), 10);
            assert_eq!(rotate_soon_by(&token, at(58 * MINUTE)).is_some(), due, "{expires_minutes}");
        }
    }

    #[test]
    fn a_token_without_a_period_is_never_due() {
        assert_eq!(rotate_soon_by(&token(None, None, 10), at(1_000_000 * MINUTE)), None);
    }
}
