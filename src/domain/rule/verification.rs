//! Whether a presented value works, and whether it has the required scopes: the rules of every endpoint that takes a value.
//!
//! They are the same for a client that presents its own value and for one that verifies another client's. So this module must not
//! know who asks, or what a use changes.

use super::lifecycle::brown_out::brown_out;
use super::lifecycle::{self, Standing};
use crate::domain::invalid_input::InvalidInput;
use crate::domain::refusal::Refusal;
use crate::domain::restriction::{self, Source};
use crate::domain::text::names;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{MAX_SCOPES, Scope, Scopes, Token};
use crate::domain::value::holds_value;

/// The result of a verification. Except for the first two, the codes are those of the corresponding errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VerificationCode {
    /// The value works, and the token has all required scopes.
    Valid,
    /// The value works, but the token lacks a required scope.
    ScopeMissing,
    /// No token has or had this value.
    Unauthenticated,
    /// See [`Refusal::TokenExpired`].
    TokenExpired,
    /// See [`Refusal::TokenRevoked`].
    TokenRevoked,
    /// See [`Refusal::TokenSuspended`].
    TokenSuspended,
    /// See [`Refusal::NotYetValid`].
    NotYetValid,
    /// See [`Refusal::RotationOverdue`].
    RotationOverdue,
    /// See [`Refusal::ValueRetired`].
    ValueRetired,
    /// See [`Refusal::BrownOut`].
    BrownOut,
    /// See [`Refusal::AddressRefused`].
    AddressRefused,
    /// See [`Refusal::OriginRefused`].
    OriginRefused,
}

names! {
    VerificationCode {
        Valid => "VALID",
        ScopeMissing => "SCOPE_MISSING",
        Unauthenticated => "UNAUTHENTICATED",
        TokenExpired => "TOKEN_EXPIRED",
        TokenRevoked => "TOKEN_REVOKED",
        TokenSuspended => "TOKEN_SUSPENDED",
        NotYetValid => "NOT_YET_VALID",
        RotationOverdue => "ROTATION_OVERDUE",
        ValueRetired => "VALUE_RETIRED",
        BrownOut => "BROWN_OUT",
        AddressRefused => "ADDRESS_REFUSED",
        OriginRefused => "ORIGIN_REFUSED",
    }
}

impl VerificationCode {
    /// The code of a refusal; `None` if the refusal is not about a value.
    pub fn of(refusal: &Refusal) -> Option<Self> {
        match refusal {
            Refusal::TokenExpired => Some(Self::TokenExpired),
            Refusal::TokenRevoked => Some(Self::TokenRevoked),
            Refusal::TokenSuspended => Some(Self::TokenSuspended),
            Refusal::NotYetValid => Some(Self::NotYetValid),
            Refusal::RotationOverdue => Some(Self::RotationOverdue),
            Refusal::ValueRetired => Some(Self::ValueRetired),
            Refusal::BrownOut(_) => Some(Self::BrownOut),
            Refusal::AddressRefused => Some(Self::AddressRefused),
            Refusal::OriginRefused => Some(Self::OriginRefused),
            Refusal::NotOverdue
            | Refusal::RevivalTooLate
            | Refusal::ValueSuperseded
            | Refusal::RotationConflict { .. }
            | Refusal::IdempotencyKeyReused
            | Refusal::NoRotationPeriod
            | Refusal::TokenProtected
            | Refusal::Forbidden(_) => None,
        }
    }
}

/// Whether the value of this generation works at this time and from this source; returns its standing. The status of the token is
/// judged first, so that for a token that no longer works the answer is the same from everywhere.
///
/// # Errors
/// Why it does not work.
pub fn judge(token: &Token, generation: u32, source: &Source, now: Timestamp) -> Result<Standing, Refusal> {
    let standing = lifecycle::standing(token, generation, now)?;
    restriction::admit(&token.settings, source)?;
    #[cfg(test)]
    imaginary::admit(source)?;
    if standing != Standing::Current
        && let Some(brown_out) = brown_out(token, generation, now)
    {
        return Err(Refusal::BrownOut(brown_out));
    }
    Ok(standing)
}

/// A rule of the tests alone, which must hold at every endpoint although it was added in this one place.
#[cfg(test)]
pub(crate) mod imaginary {
    use super::{Refusal, Source};

    /// From here no value works.
    pub(crate) const ADDRESS: &str = "192.0.2.254";

    pub(super) fn admit(source: &Source) -> Result<(), Refusal> {
        let address = source.address.map(|address| address.to_string());
        if address.as_deref() == Some(ADDRESS) { Err(Refusal::AddressRefused) } else { Ok(()) }
    }
}

/// The latest time until which a value with this standing works, if nothing changes; `None` if there is no limit. It works while
/// `now` is before that.
pub fn good_until(token: &Token, standing: Standing) -> Option<Timestamp> {
    let retires_at = if let Standing::Previous { retires_at, .. } = standing { retires_at } else { None };
    [token.settings.expires_at, token.rotate_by(), retires_at].into_iter().flatten().min()
}

/// The scopes that a token must have: in the order of the request, without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequiredScopes(Vec<Scope>);

impl RequiredScopes {
    /// Parses the required scopes in this field, each a text.
    ///
    /// # Errors
    /// When there are more than a token can have, or for the first text that is not a scope. The text is not repeated.
    pub fn parse<'a>(field: &'static str, texts: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidInput> {
        let mut scopes = Vec::new();
        for text in texts {
            // Answers contain the missing scopes, and must not contain a value that was sent in the wrong place (R9).
            if holds_value(text) {
                let message = "This contains the value of an API token, which must not be a scope.";
                return Err(InvalidInput::new(field, message));
            }
            let scope = Scope::parse(text)
                .map_err(|malformed| InvalidInput::new(field, format!("Not a scope: {malformed}.")))?;
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
            if scopes.len() > MAX_SCOPES {
                let message = format!("At most {MAX_SCOPES} scopes can be required; no token has more.");
                return Err(InvalidInput::new(field, message));
            }
        }
        Ok(Self(scopes))
    }

    /// The scopes that none of these covers.
    pub fn missing_from(&self, held: &Scopes) -> Vec<Scope> {
        self.0.iter().filter(|scope| !held.cover(scope.as_str())).cloned().collect()
    }

    /// The scopes, in the order of the request.
    pub fn iter(&self) -> std::slice::Iter<'_, Scope> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> RequiredScopes {
        RequiredScopes::parse("scope", text.split_whitespace()).unwrap()
    }

    #[test]
    fn what_is_held_or_covered_by_the_star_is_not_missing() {
        for (held, required, missing) in [
            ("", "", ""),
            ("", "read", "read"),
            ("read", "read", ""),
            ("read", "write read", "write"),
            ("read", "reader rea READ", "reader rea READ"),
            ("*", "read write", ""),
            ("read", "*", "*"),
            ("*", "*", ""),
            ("a b", "c b c d", "c d"),
        ] {
            let held = Scopes::parse(held).unwrap();
            assert_eq!(scopes(required).missing_from(&held), scopes(missing).0, "{held:?} {required:?}");
        }
    }

    #[test]
    fn no_more_scopes_are_required_than_a_token_can_hold() {
        for (number, good) in [(MAX_SCOPES, true), (MAX_SCOPES + 1, false)] {
            let texts: Vec<String> = (0..number).map(|number| number.to_string()).collect();
            let parsed = RequiredScopes::parse("scope", texts.iter().map(String::as_str));
            assert_eq!(parsed.is_ok(), good, "{number}");
        }
        let same = std::iter::repeat_n("read", 1_000);
        assert_eq!(RequiredScopes::parse("scope", same).unwrap().iter().count(), 1);
    }

    #[test]
    fn a_text_that_is_no_scope_is_refused_by_field_and_not_repeated() {
        let value = "rk_00000000000000000000000000000000000000000002gL6Az";
        for text in ["say 00", value, &format!("a:{value}:b")] {
            let refused = RequiredScopes::parse("scope", ["read", text]).unwrap_err();
            assert_eq!(refused.field, "scope");
            assert!(!refused.message.contains("00"), "{}", refused.message);
        }
        assert!(RequiredScopes::parse("scope", ["network_configuration"]).is_ok(), "the prefix alone makes no value");
    }
}
