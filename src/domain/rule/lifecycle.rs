//! The lifecycle of a token: its status, the standing of a value, and the effects of a use (R1 to R5, R10).
//!
//! Everything is derived from the facts and from one `now`, which the caller reads once. Intervals are half-open: something is
//! valid while `now < limit`.

pub mod brown_out;
pub mod due_soon;
pub mod silence;

use crate::domain::refusal::Refusal;
use crate::domain::text::names;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Actor, Settings, Token, ValueFacts};

/// The status of a token at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It works.
    Active,
    /// Suspended, until it is resumed.
    Suspended,
    /// Before its `notBefore`.
    NotYetValid,
    /// Past `expiresAt` (R2).
    Expired,
    /// Past `rotateBy` (R3).
    RotationOverdue,
    /// Revoked, which is final (R10).
    Revoked,
}

names! {
    Status {
        Active => "ACTIVE",
        Suspended => "SUSPENDED",
        NotYetValid => "NOT_YET_VALID",
        Expired => "EXPIRED",
        RotationOverdue => "ROTATION_OVERDUE",
        Revoked => "REVOKED",
    }
}

impl Status {
    /// Whether no value of a token with this status will ever work again.
    pub fn is_final(self) -> bool {
        match self {
            Self::Active | Self::Suspended | Self::NotYetValid => false,
            Self::Expired | Self::RotationOverdue | Self::Revoked => true,
        }
    }

    /// Why no value of a token with this status works; `None` if it is active.
    pub(super) fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Active => None,
            Self::Suspended => Some(Refusal::TokenSuspended),
            Self::NotYetValid => Some(Refusal::NotYetValid),
            Self::Expired => Some(Refusal::TokenExpired),
            Self::RotationOverdue => Some(Refusal::RotationOverdue),
            Self::Revoked => Some(Refusal::TokenRevoked),
        }
    }
}

/// The standing of a value that works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The newest value.
    Current,
    /// The value that the newest one replaced.
    Previous {
        /// When the newest value replaced it.
        replaced_at: Timestamp,
        /// When it stops working; `None` while its overlap has not begun (R4).
        retires_at: Option<Timestamp>,
    },
}

/// When the value of a generation stops working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// Which value.
    pub generation: u32,
    /// When it stops working; `None` if the overlap starts at the first use of the new value.
    pub retires_at: Option<Timestamp>,
}

/// The status of a token. If several apply, the most final one counts. So the deadlines of a suspended token go on: resuming it must
/// not be promised when it can no longer help (R2, R3).
pub fn status(token: &Token, now: Timestamp) -> Status {
    let reached = |limit: Option<Timestamp>| limit.is_some_and(|limit| limit <= now);
    if token.revoked_at.is_some() {
        Status::Revoked
    } else if reached(token.settings.expires_at) {
        Status::Expired
    } else if reached(token.rotate_by()) {
        Status::RotationOverdue
    } else if token.suspended_at.is_some() {
        Status::Suspended
    } else if token.settings.not_before.is_some_and(|not_before| now < not_before) {
        Status::NotYetValid
    } else {
        Status::Active
    }
}

/// The standing of the value of this generation, if it works.
///
/// # Errors
/// Why the token or the value does not work. If several reasons apply, the most final one counts. So a retired value of a suspended
/// token is refused as retired, and its reuse is noticed (R8).
pub fn standing(token: &Token, generation: u32, now: Timestamp) -> Result<Standing, Refusal> {
    let status = status(token, now);
    let refusal = status.refusal();
    if let Some(refusal) = refusal.clone().filter(|_| status.is_final()) {
        return Err(refusal);
    }
    let value = token.value(generation).ok_or(Refusal::ValueRetired)?;
    let standing = match (value.replaced_at, value.retires_at) {
        (None, _) => Standing::Current,
        (Some(_), Some(retires_at)) if retires_at <= now => return Err(Refusal::ValueRetired),
        (Some(replaced_at), retires_at) => Standing::Previous { replaced_at, retires_at },
    };
    refusal.map_or(Ok(standing), Err)
}

/// When the previous value retires because this value is used, if this is the first use of the newest value (R4). The outer `None`
/// means no change, the inner one that it retires immediately.
pub fn overlap_begun_by_use(token: &Token, generation: u32, now: Timestamp) -> Option<Option<Retirement>> {
    let first_of_newest = token.current.generation == generation && token.current.first_used_at.is_none();
    let waiting = token.previous.as_ref().filter(|value| first_of_newest && value.retires_at.is_none())?;
    Some(ends_after(&token.settings, waiting.generation, token.current.overlap_minutes, now))
}

/// The token after the value of this generation was used.
pub fn apply_use(mut token: Token, generation: u32, now: Timestamp) -> Token {
    if let Some(begun) = overlap_begun_by_use(&token, generation, now) {
        let previous = token.previous.take();
        token.previous = begun.and_then(|Retirement { retires_at, .. }| {
            previous.map(|value| Box::new(ValueFacts { retires_at, ..*value }))
        });
    }
    for value in std::iter::once(&mut token.current).chain(token.previous.as_deref_mut()) {
        if value.generation == generation && value.first_used_at.is_none() {
            value.first_used_at = Some(now);
            value.salt = None;
        }
    }
    token.last_used_at = Some(now);
    token
}

/// Whether an overlap is running, so that it could be ended (R4).
pub fn overlap_lasts(token: &Token, now: Timestamp) -> bool {
    token.previous.as_ref().is_some_and(|value| value.retires_at.is_none_or(|retires_at| now < retires_at))
}

/// Whether the current value is withheld: the operator has retired the one before, and the new one was not shown to anyone. The
/// operator rotates tokens in no other way.
pub fn is_withheld(token: &Token) -> bool {
    token.current.generation > 1 && token.current.created_by == Actor::System
}

/// Whether to revoke this token; `false` if it is revoked already (R10).
///
/// # Errors
/// [`Refusal::TokenProtected`].
pub fn revoke(token: &Token) -> Result<bool, Refusal> {
    match token.revoked_at {
        Some(_) => Ok(false),
        None if token.settings.protected => Err(Refusal::TokenProtected),
        None => Ok(true),
    }
}

/// The end of an overlap that starts now, and never after the token's expiry (R2); `None` if it has no length.
pub(super) fn ends_after(settings: &Settings, generation: u32, minutes: u32, now: Timestamp) -> Option<Retirement> {
    let end = now.plus_minutes(minutes);
    let end = settings.expires_at.map_or(end, |expires_at| end.min(expires_at));
    (minutes > 0).then_some(Retirement { generation, retires_at: Some(end) })
}

#[cfg(test)]
pub(super) mod tests;
