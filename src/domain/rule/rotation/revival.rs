//! The rules of revival: an authorised caller gives a token that missed its rotation period a new value (R3).
//!
//! To the holder, a missed period stays final: no older value works again, and none of them can ask for this. Expiry, revocation and
//! suspension win over it, and it extends none of them.

use super::{Plan, Repeatable, Rotation};
use crate::domain::refusal::Refusal;
use crate::domain::rule::conflict_guard::guard;
use crate::domain::rule::lifecycle::{Status, status};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::{Value, derivation};

/// Decides about a revival, by an authorised caller, on a server that allows it for this many minutes after the token became overdue.
///
/// # Errors
/// Why it is refused.
pub fn revive(
    token: &Token,
    window_minutes: u32,
    repeatable: Option<Repeatable<'_>>,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    match status(token, now) {
        Status::RotationOverdue if token.suspended_at.is_some() => Err(Refusal::TokenSuspended),
        Status::RotationOverdue => {
            let ends = token.rotate_by().map(|overdue_at| overdue_at.plus_minutes(window_minutes));
            match ends.filter(|ends| now < *ends) {
                Some(_) => Ok(Plan::Issue(rotation(token, now))),
                None => Err(Refusal::RevivalTooLate),
            }
        }
        Status::Active => match repeated(token, repeatable, now) {
            Some(value) => Ok(Plan::Repeat(value)),
            None => Err(guard(token, now).err().unwrap_or(Refusal::NotOverdue)),
        },
        Status::NotYetValid => Err(Refusal::NotOverdue),
        status @ (Status::Suspended | Status::Expired | Status::Revoked) => {
            Err(status.refusal().unwrap_or(Refusal::NotOverdue))
        }
    }
}

/// The rotation that a revival is: every older value stops immediately, by a stored fact, and a new period begins.
fn rotation(token: &Token, now: Timestamp) -> Rotation {
    Rotation {
        from_generation: token.current.generation,
        generation: token.current.generation.saturating_add(1),
        previous: None,
        recovers: false,
        overlap_minutes: token.settings.overlap_minutes,
        brown_out: false,
        rotate_by: token.settings.rotate_by(now),
    }
}

/// The current value, if this very request has issued it (R6): until its first use, and for as long as an overlap. Only a revival leaves a
/// value that can be repeated without a previous one.
fn repeated(token: &Token, repeatable: Option<Repeatable<'_>>, now: Timestamp) -> Option<Value> {
    let Repeatable { presented, key } = repeatable?;
    let lasts = now < token.current.created_at.plus_minutes(token.current.overlap_minutes);
    if lasts && token.previous.is_none() { derivation::repeat(token, presented, key) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rule::lifecycle::tests::{MINUTE, at, token};
    use crate::domain::rule::lifecycle::{apply_use, standing};
    use crate::domain::rule::rotation::{self, Overlap, Rotator};
    use crate::domain::token::{Actor, Salt, ValueFacts};
    use crate::domain::value::PresentedValue;
    use crate::domain::value::derivation::IdempotencyKey;

    const PRESENTED: &str = "rk_00000000000000000000000000000000000000000002gL6Az";

    /// A token with a period of 60 minutes, which is overdue from then on.
    fn due() -> Token {
        token(None, Some(60), 10)
    }

    fn revived(token: &Token, window_minutes: u32, now: i64) -> Result<Rotation, Refusal> {
        match revive(token, window_minutes, None, at(now))? {
            Plan::Issue(rotation) => Ok(rotation),
            Plan::Repeat(_) => panic!("nothing to repeat"),
        }
    }

    fn issued(token: &Token, rotation: &Rotation, now: i64) -> Token {
        let current = ValueFacts {
            generation: rotation.generation,
            created_at: at(now),
            // Not the operator, whose new values are withheld.
            created_by: Actor::ApiToken(token.id),
            first_used_at: None,
            overlap_minutes: rotation.overlap_minutes,
            brown_out: false,
            ..token.current.clone()
        };
        rotation::apply(token.clone(), rotation, current)
    }

    #[test]
    fn r3_a_token_is_revived_from_the_end_of_its_period_to_the_end_of_the_window() {
        for (offset, expected) in [
            (60 * MINUTE - 1, Err(Refusal::NotOverdue)),
            (60 * MINUTE, Ok(())),
            (65 * MINUTE - 1, Ok(())),
            (65 * MINUTE, Err(Refusal::RevivalTooLate)),
            (65 * MINUTE + 1, Err(Refusal::RevivalTooLate)),
        ] {
            assert_eq!(revived(&due(), 5, offset).map(drop), expected, "{offset}");
        }
        assert_eq!(revived(&due(), 0, 60 * MINUTE), Err(Refusal::RevivalTooLate), "never");
    }

    #[test]
    fn r3_no_older_value_works_after_a_revival_and_its_period_begins_anew() {
        // Also not the previous one, whose overlap had not even begun.
        let mut token = due();
        token.previous = Some(Box::new(ValueFacts { replaced_at: Some(at(0)), ..token.current.clone() }));
        token.current.generation = 2;
        let now = 61 * MINUTE;
        let rotation = revived(&token, 5, now).unwrap();
        let token = issued(&token, &rotation, now);
        for generation in [1, 2] {
            assert_eq!(standing(&token, generation, at(now)).err(), Some(Refusal::ValueRetired));
            let overlap = Overlap::of(&token.settings, None).unwrap();
            let refused = rotation::rotate(&token, Rotator::Holder { generation }, overlap, None, at(now)).err();
            assert_eq!(refused, Some(Refusal::ValueRetired));
        }
        assert!(standing(&token, 3, at(now)).is_ok());
        assert_eq!((token.rotate_by(), rotation.rotate_by), (Some(at(now + 60 * MINUTE)), Some(at(now + 60 * MINUTE))));
    }

    #[test]
    fn r2_r10_expiry_revocation_and_suspension_win_over_a_revival() {
        let now = 61 * MINUTE;
        let mut expired = due();
        expired.settings.expires_at = Some(at(now));
        let revoked = Token { revoked_at: Some(at(0)), ..due() };
        let suspended = Token { suspended_at: Some(at(0)), ..due() };
        for (token, refusal) in
            [(expired, Refusal::TokenExpired), (revoked, Refusal::TokenRevoked), (suspended, Refusal::TokenSuspended)]
        {
            assert_eq!(revived(&token, 5, now), Err(refusal));
        }
    }

    #[test]
    fn r7_a_second_revival_is_a_conflict_and_later_not_possible() {
        let now = 61 * MINUTE;
        let token = issued(&due(), &revived(&due(), 5, now).unwrap(), now);
        assert_eq!(revived(&token, 5, now), Err(Refusal::RotationConflict { retry_after_seconds: 10 }));
        assert_eq!(revived(&token, 5, now + 10_000), Err(Refusal::NotOverdue));
        // It can miss its period again, and be revived again.
        assert!(revived(&token, 5, now + 60 * MINUTE).is_ok());
    }

    #[test]
    fn r6_the_same_request_gets_the_same_value_until_its_first_use_or_for_an_overlap() {
        let now = 61 * MINUTE;
        let presented = PresentedValue::parse(PRESENTED).unwrap().keep();
        let [key, other] = ["key", "other"].map(|key| IdempotencyKey::parse(key).unwrap());
        let rotation = revived(&due(), 5, now).unwrap();
        let salt = Salt(Box::new([7; 32]));
        let value = derivation::derive(&due(), rotation.generation, &presented, &salt, &key);
        let mut token = issued(&due(), &rotation, now);
        (token.current.salt, token.current.hash) = (Some(salt), value.hash());
        let again = |token: &Token, key, offset| {
            let repeatable = Repeatable { presented: &presented, key };
            match revive(token, 5, Some(repeatable), at(now + offset))? {
                Plan::Repeat(again) => Ok(again.hash()),
                Plan::Issue(_) => panic!("another value"),
            }
        };
        for offset in [0, 1, 10 * MINUTE - 1] {
            assert_eq!(again(&token, &key, offset), Ok(value.hash()), "{offset}");
        }
        assert_eq!(again(&token, &key, 10 * MINUTE), Err(Refusal::NotOverdue));
        assert_eq!(again(&token, &other, 0), Err(Refusal::RotationConflict { retry_after_seconds: 10 }));
        assert_eq!(again(&apply_use(token, 2, at(now)), &key, 0), Err(Refusal::NotOverdue));
    }
}
