//! The rules of suspension: a token stops working, and works again when it is resumed (R10, R11).
//!
//! It is one fact of the token, from which `lifecycle` derives the status. Deadlines go on during a suspension, and end the token (R2, R3):
//! a secret does not become safer because nobody may use it.

use super::lifecycle::{Status, status};
use crate::domain::refusal::Refusal;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

/// Whether to suspend this token; `false` if it is suspended already. A protected token is not suspended: an accident stops its clients
/// all the same, and no other token may be left to resume it.
///
/// # Errors
/// Why the token has ended, or [`Refusal::TokenProtected`].
pub fn suspend(token: &Token, now: Timestamp) -> Result<bool, Refusal> {
    match unless_ended(token, now)? {
        Status::Suspended => Ok(false),
        _ if token.settings.protected => Err(Refusal::TokenProtected),
        _ => Ok(true),
    }
}

/// Whether to resume this token; `false` if it is not suspended. One that missed its rotation period during the suspension is resumed, too:
/// it does not work, but it can then be revived.
///
/// # Errors
/// Why the token has ended, so that resuming it would not help.
pub fn resume(token: &Token, now: Timestamp) -> Result<bool, Refusal> {
    match status(token, now) {
        Status::RotationOverdue if token.suspended_at.is_some() => Ok(true),
        _ => Ok(unless_ended(token, now)? == Status::Suspended),
    }
}

/// The status of a token that has not ended.
fn unless_ended(token: &Token, now: Timestamp) -> Result<Status, Refusal> {
    let status = status(token, now);
    status.refusal().filter(|_| status.is_final()).map_or(Ok(status), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::TokenId;
    use crate::domain::rule::lifecycle::standing;
    use crate::domain::rule::retire_values::retire_issued_before;
    use crate::domain::rule::rotation::{Overlap, Rotator, rotate};
    use crate::domain::token::{Actor, Settings, ValueFacts};
    use crate::domain::value::{Hint, ValueHash};

    const MINUTE: i64 = 60_000;

    fn at(offset_millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_767_225_600_000 + offset_millis)
    }

    fn token() -> Token {
        let current = ValueFacts {
            generation: 1,
            hash: ValueHash([1; 32]),
            hint: Hint::parse("hint").unwrap(),
            format: None,
            created_at: at(0),
            created_by: Actor::System,
            first_used_at: None,
            last_used_at: None,
            replaced_at: None,
            retires_at: None,
            overlap_minutes: 0,
            brown_out: false,
            salt: None,
        };
        Token {
            id: TokenId::new(at(0), [0; 10]),
            settings: Settings::named("ci"),
            created_at: at(0),
            created_by: Actor::System,
            updated: None,
            last_used_at: None,
            revoked_at: None,
            suspended_at: None,
            current,
            previous: None,
        }
    }

    fn suspended() -> Token {
        Token { suspended_at: Some(at(0)), ..token() }
    }

    #[test]
    fn r10_no_value_of_a_suspended_token_works_and_it_does_not_rotate() {
        let token = suspended();
        assert_eq!(standing(&token, 1, at(1)), Err(Refusal::TokenSuspended));
        for rotator in [Rotator::Holder { generation: 1 }, Rotator::Other] {
            let overlap = Overlap::of(&token.settings, None).unwrap();
            assert_eq!(rotate(&token, rotator, overlap, None, at(1)).err(), Some(Refusal::TokenSuspended));
        }
    }

    #[test]
    fn r8_a_retired_value_of_a_suspended_token_is_refused_as_retired() {
        let mut token = suspended();
        token.current.generation = 3;
        let previous =
            ValueFacts { generation: 2, replaced_at: Some(at(0)), retires_at: Some(at(1)), ..token.current.clone() };
        token.previous = Some(Box::new(previous));
        let refusal = |generation, now| standing(&token, generation, now).err();
        assert_eq!(refusal(1, at(0)), Some(Refusal::ValueRetired));
        assert_eq!(refusal(2, at(0)), Some(Refusal::TokenSuspended));
        assert_eq!(refusal(2, at(1)), Some(Refusal::ValueRetired));
        assert_eq!(refusal(3, at(1)), Some(Refusal::TokenSuspended));
    }

    #[test]
    fn r2_r3_the_deadlines_of_a_suspended_token_end_it() {
        let mut expiring = suspended();
        expiring.settings.expires_at = Some(at(MINUTE));
        let mut due = suspended();
        due.settings.rotation_period_minutes = Some(1);
        for (token, then, refusal) in [
            (expiring, Status::Expired, Refusal::TokenExpired),
            (due, Status::RotationOverdue, Refusal::RotationOverdue),
        ] {
            assert_eq!(status(&token, at(MINUTE - 1)), Status::Suspended);
            assert_eq!((suspend(&token, at(MINUTE - 1)), resume(&token, at(MINUTE - 1))), (Ok(false), Ok(true)));
            for offset in [0, 1] {
                let now = at(MINUTE + offset);
                assert_eq!(status(&token, now), then);
                assert_eq!(suspend(&token, now), Err(refusal.clone()));
                // A token that is overdue may still be revived.
                let resumed = if then == Status::RotationOverdue { Ok(true) } else { Err(refusal.clone()) };
                assert_eq!(resume(&token, now), resumed);
                assert_eq!(resume(&Token { suspended_at: None, ..token.clone() }, now), Err(refusal.clone()));
            }
        }
    }

    #[test]
    fn r10_a_revoked_token_is_neither_suspended_nor_resumed() {
        for token in [token(), suspended()] {
            let token = Token { revoked_at: Some(at(0)), ..token };
            assert_eq!(status(&token, at(0)), Status::Revoked);
            assert_eq!(suspend(&token, at(0)), Err(Refusal::TokenRevoked));
            assert_eq!(resume(&token, at(0)), Err(Refusal::TokenRevoked));
        }
    }

    #[test]
    fn r11_a_protected_token_is_not_suspended_but_can_be_resumed() {
        let (mut working, mut suspended) = (token(), suspended());
        assert_eq!((suspend(&working, at(0)), resume(&working, at(0))), (Ok(true), Ok(false)));
        (working.settings.protected, suspended.settings.protected) = (true, true);
        assert_eq!(suspend(&working, at(0)), Err(Refusal::TokenProtected));
        assert_eq!((suspend(&suspended, at(0)), resume(&suspended, at(0))), (Ok(false), Ok(true)));
    }

    #[test]
    fn a_token_that_is_not_valid_yet_can_be_suspended_and_is_still_not_valid_afterwards() {
        let mut token = token();
        token.settings.not_before = Some(at(MINUTE));
        assert_eq!(suspend(&token, at(0)), Ok(true));
        token.suspended_at = Some(at(0));
        assert_eq!(
            (status(&token, at(MINUTE - 1)), status(&token, at(MINUTE))),
            (Status::Suspended, Status::Suspended)
        );
        token.suspended_at = None;
        assert_eq!((status(&token, at(MINUTE - 1)), status(&token, at(MINUTE))), (Status::NotYetValid, Status::Active));
    }

    #[test]
    fn the_values_of_a_suspended_token_are_retired_as_it_may_be_resumed() {
        let retiring = retire_issued_before(&suspended(), at(1), at(2));
        assert!(retiring.is_some_and(|retiring| retiring.current.is_some()));
    }
}
