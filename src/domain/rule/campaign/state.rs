//! What has become of a token since its campaign began.

use crate::domain::rule::lifecycle::{self, Status, overlap_lasts};
use crate::domain::text::names;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

/// What has become of a token since its campaign began. An old value is one that was issued before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It was not rotated: its current value is an old one.
    Waiting,
    /// It was rotated, an old value works, and the new one was not used yet.
    Rotated,
    /// The new value was used, and an old one works and was used within the `silentMinutes` of the token.
    NewValueInUse,
    /// The new value was used, and an old one works but was not used within the `silentMinutes` of the token.
    OldValueSilent,
    /// No old value works.
    Retired,
    /// The token was revoked.
    Revoked,
    /// The token has expired.
    Expired,
    /// The token was not rotated within its rotation period.
    RotationOverdue,
    /// There is no such token any more.
    Gone,
}

names! {
    State {
        Waiting => "WAITING",
        Rotated => "ROTATED",
        NewValueInUse => "NEW_VALUE_IN_USE",
        OldValueSilent => "OLD_VALUE_SILENT",
        Retired => "RETIRED",
        Revoked => "REVOKED",
        Expired => "EXPIRED",
        RotationOverdue => "ROTATION_OVERDUE",
        Gone => "GONE",
    }
}

impl State {
    /// Whether no old value works, nor ever will.
    pub fn is_done(self) -> bool {
        match self {
            Self::Waiting | Self::Rotated | Self::NewValueInUse | Self::OldValueSilent => false,
            Self::Retired | Self::Revoked | Self::Expired | Self::RotationOverdue | Self::Gone => true,
        }
    }
}

/// The newest generation that a campaign which began at this time calls old. A value may have been issued since then, before the token was
/// added to the campaign.
pub fn generation_at_start(token: &Token, began_at: Timestamp) -> u32 {
    let is_new = token.current.created_at > began_at;
    token.current.generation.saturating_sub(u32::from(is_new))
}

/// What has become of a token, whose values up to this generation are old. `None` is a token that does not exist.
///
/// Generations decide, and not times: a clock that was set back would otherwise make a new value an old one.
pub fn state(token: Option<&Token>, old_generation: u32, now: Timestamp) -> State {
    let Some(token) = token else { return State::Gone };
    match lifecycle::status(token, now) {
        Status::Revoked => return State::Revoked,
        Status::Expired => return State::Expired,
        Status::RotationOverdue => return State::RotationOverdue,
        // A suspended token may be resumed, and its old values then work.
        Status::Active | Status::Suspended | Status::NotYetValid => {}
    }
    if token.current.generation <= old_generation {
        return State::Waiting;
    }
    let previous = token.previous.as_deref().filter(|_| overlap_lasts(token, now));
    let Some(old) = previous.filter(|value| value.generation <= old_generation) else { return State::Retired };
    if token.current.first_used_at.is_none() {
        return State::Rotated;
    }
    let is_silent =
        |used: Option<Timestamp>| used.is_none_or(|used_at| used_at.plus_minutes(token.settings.silent_minutes) <= now);
    if is_silent(old.first_used_at) && is_silent(old.last_used_at) {
        State::OldValueSilent
    } else {
        State::NewValueInUse
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rule::lifecycle::tests::{MINUTE, at, token};
    use crate::domain::rule::lifecycle::{apply_use, standing};
    use crate::domain::rule::rotation::{Overlap, Plan, Rotator, apply, rotate};
    use crate::domain::token::{OverlapStart, ValueFacts};

    fn rotated(token: Token, rotator: Rotator, now: Timestamp) -> Option<Token> {
        let overlap = Overlap::of(&token.settings, None).unwrap();
        let Ok(Plan::Issue(rotation)) = rotate(&token, rotator, overlap, None, now) else { return None };
        let issued = ValueFacts {
            generation: rotation.generation,
            created_at: now,
            created_by: crate::domain::token::Actor::ApiToken(token.id),
            first_used_at: None,
            last_used_at: None,
            replaced_at: None,
            retires_at: None,
            overlap_minutes: rotation.overlap_minutes,
            ..token.current.clone()
        };
        Some(apply(token, &rotation, issued))
    }

    fn by_holder(token: Token, now: Timestamp) -> Token {
        let generation = token.current.generation;
        rotated(token, Rotator::Holder { generation }, now).unwrap()
    }

    #[test]
    fn a_token_goes_from_waiting_to_retired() {
        let mut it = token(None, None, 60);
        it.settings.silent_minutes = 5;
        assert_eq!(state(Some(&it), 1, at(0)), State::Waiting);
        it = apply_use(it, 1, at(0));
        it = by_holder(it, at(0));
        assert_eq!(state(Some(&it), 1, at(0)), State::Rotated);
        it = apply_use(it, 2, at(0));
        for (offset, expected) in [
            (0, State::NewValueInUse),
            (5 * MINUTE - 1, State::NewValueInUse),
            (5 * MINUTE, State::OldValueSilent),
            (60 * MINUTE - 1, State::OldValueSilent),
            (60 * MINUTE, State::Retired),
        ] {
            assert_eq!(state(Some(&it), 1, at(offset)), expected, "{offset}");
        }
        let previous = it.previous.take().unwrap();
        it.previous = Some(Box::new(ValueFacts { last_used_at: Some(at(10 * MINUTE)), ..*previous }));
        for (offset, expected) in [(15 * MINUTE - 1, State::NewValueInUse), (15 * MINUTE, State::OldValueSilent)] {
            assert_eq!(state(Some(&it), 1, at(offset)), expected, "{offset}");
        }
        assert_eq!(state(Some(&it), 2, at(0)), State::Waiting, "of a campaign that began later");
        it = by_holder(it, at(20 * MINUTE));
        assert_eq!(state(Some(&it), 1, at(20 * MINUTE)), State::Retired, "R1: a rotation retires the older value");
    }

    #[test]
    fn what_ends_a_token_ends_its_old_values() {
        assert_eq!(state(None, 1, at(0)), State::Gone);
        let revoked = Token { revoked_at: Some(at(0)), ..token(None, None, 10) };
        assert_eq!(state(Some(&revoked), 1, at(0)), State::Revoked);
        let ends = token(Some(MINUTE), None, 10);
        let due = token(None, Some(1), 0);
        for (offset, done) in [(MINUTE - 1, false), (MINUTE, true), (MINUTE + 1, true)] {
            let expected = |end| if done { end } else { State::Waiting };
            assert_eq!(state(Some(&ends), 1, at(offset)), expected(State::Expired), "{offset}");
            assert_eq!(state(Some(&due), 1, at(offset)), expected(State::RotationOverdue), "{offset}");
        }
        let suspended = Token { suspended_at: Some(at(0)), ..token(None, None, 10) };
        assert_eq!(state(Some(&suspended), 1, at(0)), State::Waiting, "it may be resumed");
    }

    #[test]
    fn an_overlap_that_waits_for_the_first_use_keeps_the_old_value() {
        let mut it = token(None, None, 10);
        it.settings.overlap_starts = OverlapStart::FirstUse;
        it = by_holder(it, at(0));
        assert_eq!(state(Some(&it), 1, at(1_000 * MINUTE)), State::Rotated);
        it = apply_use(it, 2, at(1_000 * MINUTE));
        assert_eq!(state(Some(&it), 1, at(1_010 * MINUTE)), State::Retired);
    }

    #[test]
    fn a_value_that_was_issued_after_the_beginning_is_not_old() {
        let it = by_holder(token(None, None, 10), at(5));
        for (began, old) in [(4, 1), (5, 2), (6, 2)] {
            assert_eq!(generation_at_start(&it, at(began)), old, "{began}");
        }
        assert_eq!(generation_at_start(&token(None, None, 10), at(-1)), 0);
    }

    /// Every sequence of a few events: a use of either value, a rotation by either holder or by another, a suspension, its end, and time.
    #[test]
    fn a_token_is_done_if_no_old_value_works_and_it_stays_done() {
        fn visit(it: &Token, now: i64, was_done: bool, left: u32, visited: &mut u64) {
            *visited += 1;
            let state = state(Some(it), 1, at(now));
            assert!(!was_done || state.is_done(), "{state:?} {it:?}");
            let resumed = Token { suspended_at: None, ..it.clone() };
            let works = standing(&resumed, 1, at(now)).is_ok();
            assert_eq!(works, !state.is_done(), "{state:?} {it:?}");
            if left == 0 {
                return;
            }
            let mut next: Vec<(Token, i64)> = vec![(it.clone(), now + 10_000), (it.clone(), now + MINUTE)];
            next.push((Token { suspended_at: Some(at(now)), ..it.clone() }, now));
            next.push((resumed, now));
            for generation in it.values().map(|value| value.generation) {
                if standing(it, generation, at(now)).is_ok() {
                    next.push((apply_use(it.clone(), generation, at(now)), now));
                }
                next.extend(rotated(it.clone(), Rotator::Holder { generation }, at(now)).map(|it| (it, now)));
            }
            next.extend(rotated(it.clone(), Rotator::Other, at(now)).map(|it| (it, now)));
            for (it, now) in next {
                visit(&it, now, state.is_done(), left - 1, visited);
            }
        }
        let mut visited = 0;
        for (expires, period, overlap, starts) in [
            (None, None, 1, OverlapStart::Rotation),
            (None, None, 1, OverlapStart::FirstUse),
            (Some(2 * MINUTE), Some(1), 1, OverlapStart::Rotation),
            (None, Some(2), 0, OverlapStart::Rotation),
        ] {
            let mut it = token(expires, period, overlap);
            it.settings.overlap_starts = starts;
            visit(&it, 0, false, 6, &mut visited);
        }
        assert!(visited > 100_000, "{visited}");
    }
}
