//! The rules of rotation: a new value, the same answer again, or a refusal, and how the facts change (R1, R2, R4 to R7).
//!
//! [`rotate`] decides and [`apply`] changes the facts, so that in between the store can write the decision by compare-and-set.

pub mod leak;
pub mod revival;

use super::conflict_guard::guard;
use super::lifecycle::{self, Retirement, Standing, ends_after, standing};
use crate::domain::invalid_input::InvalidInput;
use crate::domain::refusal::Refusal;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{OverlapStart, Settings, Token, TokenKind, ValueFacts};
use crate::domain::value::Value;
use crate::domain::value::derivation::{self, IdempotencyKey};

/// Who asks for a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotator {
    /// The holder of the value of this generation rotates their own token.
    Holder {
        /// The generation that was presented.
        generation: u32,
    },
    /// Another caller, who is authorised.
    Other,
}

/// How long the replaced value keeps working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    minutes: u32,
    /// Asked for with 0 minutes, because the old value leaked: it stops immediately, whenever an overlap would start.
    immediate: bool,
    /// Whether the replaced value has brown-outs towards the end.
    brown_out: bool,
}

/// What identifies a repeated request (R6).
#[derive(Clone, Copy, Debug)]
pub struct Repeatable<'a> {
    /// The value that the caller presented.
    pub presented: &'a Value,
    /// The caller's name for this rotation.
    pub key: &'a IdempotencyKey,
}

/// The decision about a rotation.
#[derive(Debug)]
pub enum Plan {
    /// A new value is issued, and the facts change like this.
    Issue(Rotation),
    /// The rotation was done before; this is its value again (R6).
    Repeat(Value),
}

/// How a rotation changes the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The current generation that this was decided on; the rotation is void if it is no longer current (R7).
    pub from_generation: u32,
    /// The generation of the new value.
    pub generation: u32,
    /// The value that keeps working beside the new one, and until when. All others stop immediately, by a stored fact and not by a
    /// time that another clock may not have reached (R1).
    pub previous: Option<Retirement>,
    /// Whether the unused current value is cancelled (R5). The rotation is void if that value has been used.
    pub recovers: bool,
    /// The overlap granted, in minutes.
    pub overlap_minutes: u32,
    /// Whether the overlap ends in brown-outs.
    pub brown_out: bool,
    /// When the new value must be rotated (R3).
    pub rotate_by: Option<Timestamp>,
}

impl Plan {
    /// Whether it replaces the value of this generation.
    pub fn replaces(&self, generation: u32) -> bool {
        matches!(self, Self::Issue(rotation) if rotation.from_generation == generation)
    }

    /// Whether it cancels a value that was issued and has not been used yet, which is allowed only after the conflict guard of ten
    /// seconds (R5).
    pub fn rests_on_guard(&self, token: &Token) -> bool {
        let unused = token.current.generation > 1 && token.current.first_used_at.is_none();
        matches!(self, Self::Issue(_)) && unused && !lifecycle::is_withheld(token)
    }
}

impl Overlap {
    /// The old value leaked.
    const NONE: Self = Self { minutes: 0, immediate: true, brown_out: false };

    /// The overlap of one rotation: the token's own, or a shorter one that the caller asked for, in minutes (R4).
    ///
    /// # Errors
    /// When it is longer than the token's own, or negative.
    pub fn of(settings: &Settings, asked_minutes: Option<i32>) -> Result<Self, InvalidInput> {
        let Some(asked) = asked_minutes else {
            return Ok(Self { minutes: settings.overlap_minutes, immediate: false, brown_out: false });
        };
        let shorter = u32::try_from(asked).ok().filter(|minutes| *minutes <= settings.overlap_minutes);
        shorter.map(|minutes| Self { minutes, immediate: minutes == 0, brown_out: false }).ok_or_else(|| {
            let own = settings.overlap_minutes;
            let message = format!("A rotation may only shorten the overlap: from 0 to the token's own {own} minutes.");
            InvalidInput::new("overlapMinutes", message)
        })
    }

    /// The same overlap, in which the replaced value has brown-outs if asked for.
    ///
    /// # Errors
    /// When they are asked for, and nothing overlaps.
    pub fn with_brown_outs(self, asked: bool) -> Result<Self, InvalidInput> {
        if asked && self.minutes == 0 {
            let message =
                "Without an overlap, there is nothing that could have brown-outs. Leave it out, or allow an overlap.";
            return Err(InvalidInput::new("brownOut", message));
        }
        Ok(Self { brown_out: asked, ..self })
    }

    /// The values that this rotation of the token stops immediately because no overlap was asked for, if they work: the previous one, and
    /// the one that is replaced, unless that is cancelled because nobody used it. A rotation by the token's own overlap stops only what its
    /// settings say.
    pub fn cut_off(self, token: &Token, rotation: &Rotation) -> impl Iterator<Item = u32> {
        let previous = token.previous.as_deref().map(|value| value.generation);
        let replaced = (!rotation.recovers).then_some(rotation.from_generation);
        previous.into_iter().chain(replaced).filter(move |_| self.immediate)
    }

    /// How long the value of this generation keeps working when it is replaced now; `None` for not at all.
    fn of_replaced(self, settings: &Settings, generation: u32, now: Timestamp) -> Option<Retirement> {
        if settings.overlap_starts == OverlapStart::FirstUse && !self.immediate {
            return Some(Retirement { generation, retires_at: None });
        }
        ends_after(settings, generation, self.minutes, now)
    }
}

/// The values that a rotation without overlap would stop immediately now, as [`Overlap::cut_off`].
///
/// # Errors
/// Why the rotation is refused.
pub fn cut_off_without_overlap(token: &Token, rotator: Rotator, now: Timestamp) -> Result<Vec<u32>, Refusal> {
    let overlap = Overlap::NONE;
    match rotate(token, rotator, overlap, None, now)? {
        Plan::Issue(rotation) => Ok(overlap.cut_off(token, &rotation).collect()),
        Plan::Repeat(_) => Ok(Vec::new()),
    }
}

/// Decides about a rotation.
///
/// # Errors
/// Why it is refused.
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
                "A public token cannot rotate itself, because anyone can copy it. Rotate it by its id, with another token."
                    .into(),
            ));
        }
        Rotator::Holder { generation } => generation,
        Rotator::Other => token.current.generation,
    };
    let standing = standing(token, presented, now)?;
    if let Some(value) = repeated(token, repeatable, now) {
        // The same key with another input is a mistake of the caller, and is refused. A request for an immediate end cannot have
        // been repeated, because its value stopped working.
        let of_issued = (token.current.overlap_minutes, token.current.brown_out);
        let same = (overlap.minutes, overlap.brown_out) == of_issued && !overlap.immediate;
        return if same { Ok(Plan::Repeat(value)) } else { Err(Refusal::IdempotencyKeyReused) };
    }
    if rotator == Rotator::Other {
        // A holder of the current value has used it by presenting it. Other callers may be one of several that race.
        guard(token, now)?;
        // Cancel the unused value and not the previous one, which may be the only one that the holder has.
        if let Some(previous) = token.previous.as_deref().filter(|_| token.current.first_used_at.is_none())
            && lifecycle::overlap_lasts(token, now)
        {
            return recover(token, previous, overlap, now).map(Plan::Issue);
        }
    }
    match standing {
        Standing::Current => Ok(Plan::Issue(rotate_current(token, overlap, now))),
        Standing::Previous { .. } => {
            let previous = token.value(presented).ok_or(Refusal::ValueRetired)?;
            recover(token, previous, overlap, now).map(Plan::Issue)
        }
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
        brown_out: overlap.brown_out,
        rotate_by: token.settings.rotate_by(now),
    }
}

/// Recovers from a lost answer: the unused current value is cancelled, and the holder of the previous value gets another one, with
/// a new overlap (R5). The overlap is no longer than that of the lost rotation, which may have been shortened. It ends at the
/// latest one rotation period after the previous value was first replaced, so a value cannot be kept alive by never using the next
/// one (R3).
fn recover(token: &Token, previous: &ValueFacts, overlap: Overlap, now: Timestamp) -> Result<Rotation, Refusal> {
    if token.current.first_used_at.is_some() {
        return Err(Refusal::ValueSuperseded);
    }
    guard(token, now)?;
    let mut overlap = overlap;
    if previous.retires_at.is_none() {
        overlap.minutes = overlap.minutes.min(token.current.overlap_minutes);
    }
    let as_long_as_lost = previous.retires_at.map(|end| now.plus_span(token.current.created_at, end));
    let period = previous.replaced_at.zip(token.settings.rotation_period_minutes);
    let period_ends = period.map(|(replaced_at, minutes)| replaced_at.plus_minutes(minutes));
    let kept = overlap.of_replaced(&token.settings, previous.generation, now).map(|kept| Retirement {
        retires_at: kept
            .retires_at
            .map(|end| [as_long_as_lost, period_ends].into_iter().flatten().fold(end, Timestamp::min)),
        ..kept
    });
    Ok(Rotation {
        from_generation: token.current.generation,
        generation: token.current.generation.saturating_add(1),
        previous: kept,
        recovers: true,
        overlap_minutes: overlap.minutes,
        brown_out: overlap.brown_out,
        rotate_by: token.settings.rotate_by(now),
    })
}

/// The token after a rotation, with `issued` as its newest value.
pub fn apply(mut token: Token, rotation: &Rotation, issued: ValueFacts) -> Token {
    let replaced_at = Some(issued.created_at);
    let replaced = std::mem::replace(&mut token.current, issued);
    let replaced = ValueFacts { replaced_at, salt: None, ..replaced };
    let candidates = token.previous.take().map(|value| *value).into_iter().chain([replaced]);
    token.previous = rotation.previous.and_then(|Retirement { generation, retires_at }| {
        let kept = candidates.into_iter().find(|value| value.generation == generation);
        kept.map(|value| Box::new(ValueFacts { retires_at, ..value }))
    });
    token
}
