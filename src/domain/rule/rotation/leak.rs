//! What becomes of a token when one of its values is reported to have leaked, by its `onLeak`.
//!
//! Whoever reports a value holds it. So a report must not do more than the operator has allowed, and only a value that could still be used
//! is a reason to do anything: a value that was rotated away is found in old places for years.

use crate::domain::rule::lifecycle;
use crate::domain::rule::retire_values::{Retiring, withholding};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{LeakPolicy, Token, TokenKind};

/// What is done about a leak, besides recording it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeakResponse {
    /// These values are retired.
    Retire(Retiring),
    /// The token is revoked.
    Revoke,
}

/// What is done if the value of this generation is reported to have leaked; `None` if nothing is, besides recording it.
pub fn respond(token: &Token, generation: u32, now: Timestamp) -> Option<LeakResponse> {
    let (previous, is_current) = (previous(token, now), token.current.generation == generation);
    // A change of settings keeps anything but an alert from being set on a public or protected token (R11), but an older replica may have
    // made it one since.
    let is_exempt = token.settings.protected || token.settings.kind == TokenKind::Public;
    if !works(token, generation, now) || is_exempt {
        return None;
    }
    match token.settings.on_leak {
        LeakPolicy::Alert => None,
        // A rotation retires the older of two values (R1), so a leak of the current value retires both.
        LeakPolicy::Retire => {
            let current = is_current.then(|| withholding(token, now));
            Some(LeakResponse::Retire(Retiring { previous, current }))
        }
        LeakPolicy::Revoke => Some(LeakResponse::Revoke),
    }
}

/// Whether the value of this generation can still be used, now or once the token is resumed.
pub fn works(token: &Token, generation: u32, now: Timestamp) -> bool {
    let is_one = token.current.generation == generation || previous(token, now) == Some(generation);
    is_one && !lifecycle::status(token, now).is_final()
}

/// The generation of the previous value, while the overlap lasts.
fn previous(token: &Token, now: Timestamp) -> Option<u32> {
    token.previous.as_deref().map(|value| value.generation).filter(|_| lifecycle::overlap_lasts(token, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rule::lifecycle::standing;
    use crate::domain::rule::lifecycle::tests::{MINUTE, at, token};
    use crate::domain::token::ValueFacts;

    /// A token whose second value has replaced the first at 0, with an overlap of ten minutes.
    fn rotated(on_leak: LeakPolicy) -> Token {
        let mut token = token(Some(60 * MINUTE), None, 10);
        token.settings.on_leak = on_leak;
        let old = ValueFacts { replaced_at: Some(at(0)), retires_at: Some(at(10 * MINUTE)), ..token.current.clone() };
        token.previous = Some(Box::new(old));
        token.current.generation = 2;
        token
    }

    #[test]
    fn only_a_value_that_works_is_a_reason_to_do_anything() {
        for (offset, generation, expected) in [
            (0, 0, false),
            (10 * MINUTE - 1, 1, true),
            (10 * MINUTE, 1, false),
            (10 * MINUTE, 2, true),
            (60 * MINUTE - 1, 2, true),
            (60 * MINUTE, 2, false),
            (0, 3, false),
        ] {
            for on_leak in [LeakPolicy::Retire, LeakPolicy::Revoke] {
                let token = rotated(on_leak);
                assert_eq!(standing(&token, generation, at(offset)).is_ok(), expected);
                let response = respond(&token, generation, at(offset));
                assert_eq!(response.is_some(), expected, "{generation} at {offset}");
            }
            assert_eq!(respond(&rotated(LeakPolicy::Alert), generation, at(offset)), None);
        }
        let revoked = Token { revoked_at: Some(at(0)), ..rotated(LeakPolicy::Revoke) };
        assert_eq!(respond(&revoked, 2, at(0)), None);
    }

    #[test]
    fn a_value_of_a_suspended_token_is_retired_too_because_it_may_be_resumed() {
        let suspended = Token { suspended_at: Some(at(0)), ..rotated(LeakPolicy::Retire) };
        assert!(respond(&suspended, 1, at(0)).is_some());
    }

    #[test]
    fn r1_a_leak_of_the_previous_value_retires_it_alone_and_one_of_the_current_value_retires_both() {
        let retired = |generation, offset| match respond(&rotated(LeakPolicy::Retire), generation, at(offset)) {
            Some(LeakResponse::Retire(Retiring { previous, current })) => {
                (previous, current.map(|rotation| (rotation.from_generation, rotation.generation, rotation.previous)))
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(retired(1, 0), (Some(1), None));
        assert_eq!(retired(2, 0), (Some(1), Some((2, 3, None))));
        assert_eq!(retired(2, 10 * MINUTE), (None, Some((2, 3, None))));
    }

    #[test]
    fn r11_a_protected_token_and_a_public_one_are_not_cut_off() {
        for on_leak in [LeakPolicy::Retire, LeakPolicy::Revoke] {
            let mut protected = rotated(on_leak);
            protected.settings.protected = true;
            let mut public = rotated(on_leak);
            public.settings.kind = TokenKind::Public;
            assert_eq!([respond(&protected, 2, at(0)), respond(&public, 2, at(0))], [None, None]);
        }
    }
}
