//! What a campaign does to a token at its deadline, if it is to revoke those that were not rotated (R11).
//!
//! This ends every value that was issued before the campaign, in use or not: it is forced by definition (R15). A token that was rotated
//! keeps its new value.

use super::state::{State, state};
use crate::domain::refusal::Refusal;
use crate::domain::rule::authority::Authority;
use crate::domain::rule::lifecycle::{self, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;

/// What is done to a token at the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOff {
    /// Nothing: no old value works.
    Nothing,
    /// It is revoked, because it was not rotated.
    Revoke,
    /// Its overlap is ended, because it was rotated and an old value still works.
    EndOverlap,
}

/// What is done to this token, whose values up to this generation are old, by the right of the token that created the campaign.
///
/// # Errors
/// Why it may not be done: the right does not suffice any more, or the token is protected.
pub fn cut_off(creator: Option<&Token>, token: &Token, old_generation: u32, now: Timestamp) -> Result<CutOff, Refusal> {
    let state = state(Some(token), old_generation, now);
    if state.is_done() {
        return Ok(CutOff::Nothing);
    }
    let creator = creator
        .filter(|creator| lifecycle::status(creator, now) == Status::Active)
        .ok_or_else(|| Refusal::Forbidden("The API token that created the campaign no longer works.".to_owned()))?;
    let authority = Authority::of(creator);
    authority.require_to_cut_off(token)?;
    if state != State::Waiting {
        return Ok(CutOff::EndOverlap);
    }
    if authority.is_of(token.id) {
        let message = "A campaign does not revoke the API token that created it. Rotate it, or revoke it by its id.";
        return Err(Refusal::Forbidden(message.to_owned()));
    }
    Ok(if lifecycle::revoke(token)? { CutOff::Revoke } else { CutOff::Nothing })
}

/// Why this token could not be revoked if it were waiting at a deadline now; `None` if it could.
pub fn refusal_if_waiting(creator: Option<&Token>, token: &Token, now: Timestamp) -> Option<Refusal> {
    cut_off(creator, token, token.current.generation, now).err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::TokenId;
    use crate::domain::rule::lifecycle::tests::{at, token};
    use crate::domain::token::{Permission, ValueFacts};

    fn other(change: impl FnOnce(&mut Token)) -> Token {
        let mut other = token(None, None, 10);
        other.id = TokenId::new(at(0), [1; 10]);
        change(&mut other);
        other
    }

    fn admin(permissions: &[Permission]) -> Token {
        let mut admin = token(None, None, 10);
        admin.settings.permissions = permissions.iter().copied().collect();
        admin
    }

    #[test]
    fn r11_only_who_may_revoke_a_token_now_revokes_it_at_the_deadline() {
        let plain = other(|_| {});
        let modify = admin(&[Permission::ApiTokenModify]);
        assert_eq!(cut_off(Some(&modify), &plain, 1, at(0)), Ok(CutOff::Revoke));
        let forbidden = |creator: Option<&Token>, token: &Token| {
            assert!(matches!(cut_off(creator, token, 1, at(0)), Err(Refusal::Forbidden(_))));
        };
        forbidden(None, &plain);
        forbidden(Some(&admin(&[])), &plain);
        forbidden(Some(&Token { revoked_at: Some(at(0)), ..modify.clone() }), &plain);
        forbidden(Some(&Token { suspended_at: Some(at(0)), ..modify.clone() }), &plain);
        forbidden(Some(&modify), &modify);
        let greater = other(|it| it.settings.permissions = [Permission::AuditLogRead].into_iter().collect());
        forbidden(Some(&modify), &greater);
        let protected = other(|it| it.settings.protected = true);
        assert_eq!(cut_off(Some(&modify), &protected, 1, at(0)), Err(Refusal::TokenProtected));
        let revoked = other(|it| it.revoked_at = Some(at(0)));
        assert_eq!(cut_off(None, &revoked, 1, at(0)), Ok(CutOff::Nothing));
    }

    #[test]
    fn a_token_that_was_rotated_is_never_revoked() {
        let modify = admin(&[Permission::ApiTokenModify]);
        let rotated = |retires_at| {
            other(|it| {
                let old = ValueFacts { replaced_at: Some(at(0)), retires_at, ..it.current.clone() };
                it.current = ValueFacts { generation: 2, created_at: at(0), ..it.current.clone() };
                it.previous = Some(Box::new(old));
                it.settings.protected = true;
            })
        };
        for (retires_at, expected) in
            [(None, CutOff::EndOverlap), (Some(at(1)), CutOff::EndOverlap), (Some(at(0)), CutOff::Nothing)]
        {
            assert_eq!(cut_off(Some(&modify), &rotated(retires_at), 1, at(0)), Ok(expected), "{retires_at:?}");
        }
        assert_eq!(cut_off(Some(&modify), &rotated(None), 2, at(0)), Err(Refusal::TokenProtected), "a later campaign");
    }
}
