//! The life of a token: its status, the standing of a value, and what a rotation does to them (R1 to R5, R7).
//!
//! Every answer is derived from the facts and from one `now` that the caller read once. Intervals are half-open: a thing
//! is good while `now < limit`.

use super::refusal::Refusal;
use super::timestamp::Timestamp;
use super::token::{Token, TokenKind, ValueFacts};

/// For how long after a rotation the previous value may not rotate again, in seconds (R5): racing workers of one client
/// must not cancel each other.
pub const CONFLICT_GUARD_SECONDS: u32 = 10;

/// What a token is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It works.
    Active,
    /// Past `expiresAt` (R2).
    Expired,
    /// Past `rotateBy` (R3).
    RotationOverdue,
    /// Revoked, which is final (R10).
    Revoked,
}

/// What a value that works is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The newest value.
    Current,
    /// The one before, until this moment.
    Previous {
        /// When the newest value replaced it.
        replaced_at: Timestamp,
        /// When it stops working.
        retires_at: Timestamp,
    },
}

/// On whose behalf a rotation is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotator {
    /// The holder of the value of this generation rotates their own token.
    Holder {
        /// The generation that was presented.
        generation: u32,
    },
    /// Somebody else, who may.
    Other,
}

/// A rotation that may be carried out: how the facts change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The current generation that this was decided on; the rotation is void if it is no longer current (R7).
    pub from_generation: u32,
    /// The generation of the new value.
    pub generation: u32,
    /// When the value of `from_generation` stops working.
    pub current_retires_at: Timestamp,
    /// The previous value that was still working, and when it now stops.
    pub previous: Option<Retirement>,
    /// Whether the current value is cancelled unused (R5), which is void once it has been used.
    pub recovers: bool,
}

/// When the value of a generation stops working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// Which value.
    pub generation: u32,
    /// From when on it works no more.
    pub retires_at: Timestamp,
}

/// The status of a token. The reasons to be dead are in the order of how final they are.
pub fn status(token: &Token, now: Timestamp) -> Status {
    let reached = |limit: Option<Timestamp>| limit.is_some_and(|limit| limit <= now);
    if token.revoked_at.is_some() {
        Status::Revoked
    } else if reached(token.settings.expires_at) {
        Status::Expired
    } else if reached(token.rotate_by()) {
        Status::RotationOverdue
    } else {
        Status::Active
    }
}

/// Whether the value of this generation works, and as what.
///
/// # Errors
/// Why the token or the value works no more.
pub fn standing(token: &Token, generation: u32, now: Timestamp) -> Result<Standing, Refusal> {
    match status(token, now) {
        Status::Active => {}
        Status::Expired => return Err(Refusal::TokenExpired),
        Status::RotationOverdue => return Err(Refusal::RotationOverdue),
        Status::Revoked => return Err(Refusal::TokenRevoked),
    }
    match token.value(generation).map(|value| value.retires_at) {
        Some(None) => Ok(Standing::Current),
        Some(Some(retires_at)) if now < retires_at => {
            Ok(Standing::Previous { replaced_at: token.current.created_at, retires_at })
        }
        _ => Err(Refusal::ValueRetired),
    }
}

/// What a rotation asked for now would do.
///
/// # Errors
/// Why it may not be done.
pub fn rotate(token: &Token, rotator: Rotator, now: Timestamp) -> Result<Rotation, Refusal> {
    let presented = match rotator {
        Rotator::Holder { .. } if token.settings.kind == TokenKind::Public => {
            return Err(Refusal::Forbidden(
                "A public token cannot rotate itself, for anyone can copy it. Rotate it by its id, as someone else."
                    .into(),
            ));
        }
        Rotator::Holder { generation } => generation,
        Rotator::Other => token.current.generation,
    };
    match standing(token, presented, now)? {
        Standing::Current => Ok(rotate_current(token, now)),
        Standing::Previous { .. } => recover(token, presented, now),
    }
}

/// The ordinary rotation: the current value becomes the previous one, and an older one still working stops at once (R1).
fn rotate_current(token: &Token, now: Timestamp) -> Rotation {
    let still_working = |value: &&ValueFacts| value.retires_at.is_some_and(|retires_at| now < retires_at);
    Rotation {
        from_generation: token.current.generation,
        generation: token.current.generation.saturating_add(1),
        current_retires_at: end_of_overlap(token, now),
        previous: token
            .previous
            .as_ref()
            .filter(still_working)
            .map(|older| Retirement { generation: older.generation, retires_at: now }),
        recovers: false,
    }
}

/// The answer that carried the current value was lost: it is cancelled unused, and the holder of the previous value gets
/// another, with a whole overlap to fetch it in (R5).
fn recover(token: &Token, presented: u32, now: Timestamp) -> Result<Rotation, Refusal> {
    if token.current.first_used_at.is_some() {
        return Err(Refusal::ValueSuperseded);
    }
    let guard_ends = token.current.created_at.plus_seconds(CONFLICT_GUARD_SECONDS);
    if now < guard_ends {
        return Err(Refusal::RotationConflict { retry_after_seconds: now.seconds_until(guard_ends) });
    }
    Ok(Rotation {
        from_generation: token.current.generation,
        generation: token.current.generation.saturating_add(1),
        current_retires_at: now,
        previous: Some(Retirement { generation: presented, retires_at: end_of_overlap(token, now) }),
        recovers: true,
    })
}

/// The token after a rotation was carried out and `issued` is its newest value.
pub fn apply(mut token: Token, rotation: &Rotation, issued: ValueFacts) -> Token {
    let now = issued.created_at;
    let replaced = std::mem::replace(&mut token.current, issued);
    let (kept, retires_at) = if rotation.recovers {
        (token.previous.take(), rotation.previous.map(|retirement| retirement.retires_at))
    } else {
        (Some(replaced), Some(rotation.current_retires_at))
    };
    token.previous = kept
        .map(|value| ValueFacts { retires_at, ..value })
        .filter(|value| value.retires_at.is_some_and(|retires_at| now < retires_at));
    token
}

/// When the value replaced now stops working: after the overlap, and never after its token (R2).
fn end_of_overlap(token: &Token, now: Timestamp) -> Timestamp {
    let end = now.plus_minutes(token.settings.overlap_minutes);
    token.settings.expires_at.map_or(end, |expires_at| end.min(expires_at))
}

#[cfg(test)]
mod tests;
