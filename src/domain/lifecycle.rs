//! The life of a token: its status, the standing of a value, and what a rotation and a use do to them (R1 to R8, R10).
//!
//! Every answer is derived from the facts and from one `now` that the caller read once. Intervals are half-open: a thing
//! is good while `now < limit`. A function that decides is followed by one that applies what was decided to the facts.

use super::derivation::{self, IdempotencyKey};
use super::input::InvalidInput;
use super::refusal::Refusal;
use super::timestamp::Timestamp;
use super::token::{OverlapStart, Settings, Token, TokenKind, ValueFacts};
use super::value::Value;

/// For how long after a rotation the previous value may not rotate again, in seconds (R5): racing workers of one client
/// must not cancel each other.
pub const CONFLICT_GUARD_SECONDS: u32 = 10;

/// What a token is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// The one before.
    Previous {
        /// When the newest value replaced it.
        replaced_at: Timestamp,
        /// When it stops working; `None` while its overlap has not begun (R4).
        retires_at: Option<Timestamp>,
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

/// How long the value that is replaced goes on working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    minutes: u32,
    /// Asked for because the old value leaked: nothing is waited for.
    at_once: bool,
}

/// What makes a repeated request known again (R6).
#[derive(Clone, Copy, Debug)]
pub struct Repeatable<'a> {
    /// The value that the caller presented.
    pub presented: &'a Value,
    /// The caller's name for this rotation.
    pub key: &'a IdempotencyKey,
}

/// What a rotation asked for comes to.
#[derive(Debug)]
pub enum Plan {
    /// A new value is issued, and the facts change like this.
    Issue(Rotation),
    /// It has been done; this is its answer again (R6).
    Repeat(Value),
}

/// How a rotation changes the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The current generation that this was decided on; the rotation is void if it is no longer current (R7).
    pub from_generation: u32,
    /// The generation of the new value.
    pub generation: u32,
    /// The value that works on beside the new one, and until when. Every other stops at once, as a fact and not by a
    /// moment that another clock might not have reached (R1).
    pub previous: Option<Retirement>,
    /// Whether the current value is cancelled unused (R5), which is void once it has been used.
    pub recovers: bool,
    /// The overlap granted, in minutes.
    pub overlap_minutes: u32,
}

/// When the value of a generation stops working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// Which value.
    pub generation: u32,
    /// From when on it works no more; `None` if that begins with the first use of the new value.
    pub retires_at: Option<Timestamp>,
}

impl Overlap {
    /// The overlap of one rotation: the token's own, or a shorter one that the caller asked for, in minutes (R4).
    ///
    /// # Errors
    /// When it is longer than the token's own, or negative.
    pub fn of(settings: &Settings, asked_minutes: Option<i32>) -> Result<Self, InvalidInput> {
        let Some(asked) = asked_minutes else { return Ok(Self { minutes: settings.overlap_minutes, at_once: false }) };
        let shorter = u32::try_from(asked).ok().filter(|minutes| *minutes <= settings.overlap_minutes);
        shorter.map(|minutes| Self { minutes, at_once: minutes == 0 }).ok_or_else(|| {
            let own = settings.overlap_minutes;
            let message = format!("One rotation may shorten the overlap: from 0 to the token's own {own} minutes.");
            InvalidInput::new("overlapMinutes", message)
        })
    }

    /// How long the value of this generation works on when it is replaced at `now`; `None` for not at all.
    fn of_replaced(self, settings: &Settings, generation: u32, now: Timestamp) -> Option<Retirement> {
        if settings.overlap_starts == OverlapStart::FirstUse && !self.at_once {
            return Some(Retirement { generation, retires_at: None });
        }
        ends_after(settings, generation, self.minutes, now)
    }
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
    let value = token.value(generation).ok_or(Refusal::ValueRetired)?;
    match (value.replaced_at, value.retires_at) {
        (None, _) => Ok(Standing::Current),
        (Some(_), Some(retires_at)) if retires_at <= now => Err(Refusal::ValueRetired),
        (Some(replaced_at), retires_at) => Ok(Standing::Previous { replaced_at, retires_at }),
    }
}

/// What a rotation asked for now comes to.
///
/// # Errors
/// Why it may not be done.
pub fn rotate(
    token: &Token,
    rotator: Rotator,
    overlap: Overlap,
    repeatable: Option<Repeatable<'_>>,
    now: Timestamp,
) -> Result<Plan, Refusal> {
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
    let standing = standing(token, presented, now)?;
    if let Some(value) = repeated(token, repeatable, now) {
        // The same key for another request is a mistake of the caller's, which no answer would do justice to.
        let same = overlap.minutes == token.current.overlap_minutes;
        return if same { Ok(Plan::Repeat(value)) } else { Err(Refusal::IdempotencyKeyReused) };
    }
    if rotator == Rotator::Other {
        // Whoever holds the current value has used it by presenting it; somebody else may be one of several.
        guard(token, now)?;
    }
    match standing {
        Standing::Current => Ok(Plan::Issue(rotate_current(token, overlap, now))),
        Standing::Previous { .. } => recover(token, presented, overlap, now).map(Plan::Issue),
    }
}

/// The current value, if this very request has issued it and the overlap of that rotation lasts (R6).
fn repeated(token: &Token, repeatable: Option<Repeatable<'_>>, now: Timestamp) -> Option<Value> {
    let Repeatable { presented, key } = repeatable?;
    let previous = token.previous.as_ref()?;
    standing(token, previous.generation, now).ok()?;
    derivation::repeat(token, presented, key)
}

/// The ordinary rotation: the current value becomes the previous one, and an older one still working stops at once (R1).
fn rotate_current(token: &Token, overlap: Overlap, now: Timestamp) -> Rotation {
    Rotation {
        from_generation: token.current.generation,
        generation: token.current.generation.saturating_add(1),
        previous: overlap.of_replaced(&token.settings, token.current.generation, now),
        recovers: false,
        overlap_minutes: overlap.minutes,
    }
}

/// Refuses a rotation so soon after another, whose value has not been used, that both would be of one race (R5, R7).
fn guard(token: &Token, now: Timestamp) -> Result<(), Refusal> {
    let guard_ends = token.current.created_at.plus_seconds(CONFLICT_GUARD_SECONDS);
    let fresh = token.current.generation > 1 && token.current.first_used_at.is_none();
    if fresh && now < guard_ends {
        // A clock behind the one that rotated must not make the wait longer.
        let retry_after_seconds = now.seconds_until(guard_ends).min(CONFLICT_GUARD_SECONDS);
        return Err(Refusal::RotationConflict { retry_after_seconds });
    }
    Ok(())
}

/// The answer that carried the current value was lost: it is cancelled unused, and the holder of the previous value gets
/// another, with a whole overlap to fetch it in (R5).
fn recover(token: &Token, presented: u32, overlap: Overlap, now: Timestamp) -> Result<Rotation, Refusal> {
    if token.current.first_used_at.is_some() {
        return Err(Refusal::ValueSuperseded);
    }
    guard(token, now)?;
    Ok(Rotation {
        from_generation: token.current.generation,
        generation: token.current.generation.saturating_add(1),
        previous: overlap.of_replaced(&token.settings, presented, now),
        recovers: true,
        overlap_minutes: overlap.minutes,
    })
}

/// The token after a rotation was carried out and `issued` is its newest value.
pub fn apply(mut token: Token, rotation: &Rotation, issued: ValueFacts) -> Token {
    let replaced_at = Some(issued.created_at);
    let replaced = std::mem::replace(&mut token.current, issued);
    let replaced = ValueFacts { replaced_at, salt: None, ..replaced };
    let candidates = token.previous.take().into_iter().chain([replaced]);
    token.previous = rotation.previous.and_then(|Retirement { generation, retires_at }| {
        let kept = candidates.into_iter().find(|value| value.generation == generation);
        kept.map(|value| ValueFacts { retires_at, ..value })
    });
    token
}

/// What becomes of the previous value when this value is used, if that is the first use of the newest one (R4): the
/// outer `None` for no change, the inner one for an end at once.
pub fn overlap_begun_by_use(token: &Token, generation: u32, now: Timestamp) -> Option<Option<Retirement>> {
    let first_of_newest = token.current.generation == generation && token.current.first_used_at.is_none();
    let waiting = token.previous.as_ref().filter(|value| first_of_newest && value.retires_at.is_none())?;
    Some(ends_after(&token.settings, waiting.generation, token.current.overlap_minutes, now))
}

/// The token after the value of this generation was used.
pub fn apply_use(mut token: Token, generation: u32, now: Timestamp) -> Token {
    if let Some(begun) = overlap_begun_by_use(&token, generation, now) {
        let previous = token.previous.take();
        token.previous =
            begun.and_then(|Retirement { retires_at, .. }| previous.map(|value| ValueFacts { retires_at, ..value }));
    }
    for value in std::iter::once(&mut token.current).chain(&mut token.previous) {
        if value.generation == generation && value.first_used_at.is_none() {
            value.first_used_at = Some(now);
            value.salt = None;
        }
    }
    token.last_used_at = Some(now);
    token
}

/// Whether an overlap lasts that could be ended (R4).
pub fn overlap_lasts(token: &Token, now: Timestamp) -> bool {
    token.previous.as_ref().is_some_and(|value| value.retires_at.is_none_or(|retires_at| now < retires_at))
}

/// Whether a revocation changes anything: a token is revoked once (R10).
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

/// The end of an overlap that is counted from `now`, never after the token's own (R2); `None` for one of no length.
fn ends_after(settings: &Settings, generation: u32, minutes: u32, now: Timestamp) -> Option<Retirement> {
    let end = now.plus_minutes(minutes);
    let end = settings.expires_at.map_or(end, |expires_at| end.min(expires_at));
    (minutes > 0).then_some(Retirement { generation, retires_at: Some(end) })
}

#[cfg(test)]
mod tests;
