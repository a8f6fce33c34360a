//! The rules of silence (R15): a value in use is not retired early unless that is forced, and a previous value may retire when it has fallen
//! silent, which is when it has not been used for `silentMinutes`.
//!
//! A replica knows of a use by another one up to a minute late (R14). So a value retires by silence a minute later than it seems silent.
//! And it retires by a stored fact, not by the passing of time: a use that becomes known late must not make a value work again that was
//! refused.

use crate::domain::rule::lifecycle::standing;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{OverlapEnd, Token};

/// After how many minutes every replica knows of a use (R14).
const UNKNOWN_MINUTES: u32 = 1;

/// A value that is in use, so that it is retired early only if that is forced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InUse {
    /// Which value.
    pub generation: u32,
    /// Its last use.
    pub last_used_at: Timestamp,
    /// When it may be retired, if it is not used again.
    pub silent_at: Timestamp,
}

/// Whether the value of this generation, which was last used at this time, is in use. A value that does not work is not: no
/// client depends on it.
pub fn in_use(token: &Token, generation: u32, last_used_at: Option<Timestamp>, now: Timestamp) -> Option<InUse> {
    let silent_minutes = Some(token.settings.silent_minutes).filter(|minutes| *minutes > 0)?;
    let last_used_at = last_used_at.filter(|_| standing(token, generation, now).is_ok())?;
    let silent_at = last_used_at.plus_minutes(silent_minutes);
    (now < silent_at).then_some(InUse { generation, last_used_at, silent_at })
}

/// When the previous value retires because it is silent, if its overlap ends so; it may retire earlier for another reason. `None` before
/// the first use of the current value: until then, no client is known to have it, and the previous one must be able to recover it (R5).
pub fn retires_silent_at(token: &Token) -> Option<Timestamp> {
    let previous = token.previous.as_deref().filter(|_| token.settings.overlap_ends == OverlapEnd::WhenSilent)?;
    let begins = token.current.first_used_at?;
    let uses = [previous.first_used_at, previous.last_used_at, previous.replaced_at];
    let last = uses.into_iter().flatten().fold(begins, Timestamp::max);
    Some(last.plus_minutes(token.settings.silent_minutes.saturating_add(UNKNOWN_MINUTES)))
}

/// Whether the previous value is to be retired because it is silent.
pub fn is_silent(token: &Token, now: Timestamp) -> bool {
    retires_silent_at(token).is_some_and(|silent_at| silent_at <= now)
}

/// As [`is_silent`], by a clock that was last set at this time. How long ago a use before that was is not known, so the silence begins
/// then, at the earliest.
pub fn is_silent_by(token: &Token, clock_set_at: Option<Timestamp>, now: Timestamp) -> bool {
    let takes_minutes = token.settings.silent_minutes.saturating_add(UNKNOWN_MINUTES);
    is_silent(token, now) && clock_set_at.is_none_or(|set_at| set_at.plus_minutes(takes_minutes) <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rule::lifecycle::apply_use;
    use crate::domain::rule::lifecycle::tests::{FIRST, MINUTE, at, carried_out, plan, rotated, token};
    use crate::domain::token::{Settings, ValueFacts};

    fn with(change: impl FnOnce(&mut Settings)) -> Token {
        let mut token = token(None, None, 30);
        change(&mut token.settings);
        token
    }

    #[test]
    fn r15_a_value_is_in_use_until_it_was_silent_for_so_long() {
        let token = with(|settings| settings.silent_minutes = 7);
        for (offset, expected) in [(-1, true), (0, true), (7 * MINUTE - 1, true), (7 * MINUTE, false)] {
            let in_use = in_use(&token, 1, Some(at(0)), at(offset));
            let expected = expected.then_some(InUse { generation: 1, last_used_at: at(0), silent_at: at(7 * MINUTE) });
            assert_eq!(in_use, expected, "{offset}");
        }
        assert_eq!(in_use(&token, 1, None, at(0)), None, "never used");
        assert_eq!(in_use(&token, 2, Some(at(0)), at(0)), None, "it does not work");
    }

    #[test]
    fn r15_nothing_protects_a_value_of_a_token_that_does_not_work_or_has_no_silence() {
        for token in [
            with(|settings| settings.silent_minutes = 0),
            with(|settings| settings.expires_at = Some(at(0))),
            Token { revoked_at: Some(at(0)), ..with(|_| {}) },
            Token { suspended_at: Some(at(0)), ..with(|_| {}) },
        ] {
            assert_eq!(in_use(&token, 1, Some(at(0)), at(0)), None);
            assert_eq!(in_use(&token, 1, Some(at(1)), at(0)), None, "by a clock that is ahead");
        }
    }

    fn when_silent() -> Token {
        with(|settings| (settings.overlap_ends, settings.silent_minutes) = (OverlapEnd::WhenSilent, 5))
    }

    fn used(token: Token, generation: u32, offset: i64) -> Token {
        apply_use(token, generation, at(offset))
    }

    #[test]
    fn r15_silence_begins_with_the_last_of_the_rotation_both_first_uses_and_the_last_use() {
        let token = rotated(used(when_silent(), 1, 0), FIRST, at(MINUTE)).unwrap();
        assert_eq!(retires_silent_at(&token), None, "R5: the new value was not used");
        let mut token = used(token, 2, 2 * MINUTE);
        assert_eq!(retires_silent_at(&token), Some(at(8 * MINUTE)), "one more minute for what other replicas know");
        for (last_used_at, expected) in [(0, 8), (2, 8), (3, 9)] {
            let previous = token.previous.take().unwrap();
            token.previous = Some(Box::new(ValueFacts { last_used_at: Some(at(last_used_at * MINUTE)), ..*previous }));
            assert_eq!(retires_silent_at(&token), Some(at(expected * MINUTE)), "{last_used_at}");
        }
        for (offset, silent) in [(9 * MINUTE - 1, false), (9 * MINUTE, true), (9 * MINUTE + 1, true)] {
            assert_eq!(is_silent(&token, at(offset)), silent, "{offset}");
        }
        // The previous value is used for the first time after the new one.
        let token = rotated(when_silent(), FIRST, at(0)).unwrap();
        let token = used(used(token, 2, MINUTE), 1, 4 * MINUTE);
        assert_eq!(retires_silent_at(&token), Some(at(10 * MINUTE)));
    }

    #[test]
    fn r15_silence_begins_anew_when_the_clock_is_set() {
        let token = used(rotated(used(when_silent(), 1, 0), FIRST, at(0)).unwrap(), 2, 0);
        for (offset, silent) in [(6 * MINUTE - 1, false), (6 * MINUTE, true)] {
            assert_eq!(is_silent_by(&token, None, at(offset)), silent, "{offset}");
            assert!(!is_silent_by(&token, Some(at(2 * MINUTE)), at(offset)));
            assert_eq!(is_silent_by(&token, Some(at(2 * MINUTE)), at(2 * MINUTE + offset)), silent, "{offset}");
            // By a clock that was set back, the last use is in the future.
            assert!(!is_silent_by(&token, Some(at(-60 * MINUTE)), at(-60 * MINUTE + offset)));
        }
    }

    #[test]
    fn r15_a_value_retires_by_silence_only_if_the_token_says_so_and_there_is_one() {
        let token = used(rotated(with(|_| {}), FIRST, at(0)).unwrap(), 2, 0);
        assert_eq!(retires_silent_at(&token), None, "ON_TIME");
        assert_eq!(retires_silent_at(&used(when_silent(), 1, 0)), None, "no previous value");
        // The hard limit stays, whatever the silence.
        let rotation = plan(&when_silent(), FIRST, at(0)).unwrap();
        let token = carried_out(when_silent(), &rotation, at(0));
        assert_eq!(token.previous.unwrap().retires_at, Some(at(30 * MINUTE)));
    }
}
