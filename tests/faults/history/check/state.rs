//! A token at a moment, and what each call does to it: the promises R1 to R8 and R10, written down a second time.
//!
//! When exactly a call took effect is not known. So each moment is a span, and what depends on time is refused only if it is
//! impossible at every moment of the span.

use super::calls::{Effect, Refusal, Rotated, Step, TokenCalls, Value};
use super::violation::Reason;

/// For how long the previous value may not rotate again (R5), in microseconds.
pub const GUARD: i64 = 10_000_000;

/// From the earliest to the latest moment at which something can have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    pub earliest: i64,
    pub latest: i64,
}

/// A value of the token: one that a client was told, or that of a rotation without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    Known(Value),
    Lost {
        call: usize,
    },
    /// That of `retire-values`, which nobody has.
    Withheld,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    generation: u32,
    current: Held,
    /// Whether the current value has certainly been used.
    used: bool,
    /// When the current value was issued.
    since: Span,
    /// The overlap that its rotation granted.
    overlap: i64,
    /// The value and the key by which it can be asked for again.
    repeatable: Option<(Value, usize)>,
    previous: Option<Previous>,
    revoked: bool,
    /// The values that `retire-values` has retired. To present one of them is no reuse.
    spared: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Previous {
    value: Held,
    /// When it stops working; `None` while its overlap has not begun.
    ends: Option<Span>,
    replaced: Span,
}

impl Span {
    fn plus(self, time: i64) -> Self {
        Self { earliest: self.earliest.saturating_add(time), latest: self.latest.saturating_add(time) }
    }

    fn widened(self, slack: i64) -> Self {
        Self { earliest: self.earliest.saturating_sub(slack), latest: self.latest.saturating_add(slack) }
    }
}

impl State {
    /// The token as it was created.
    pub fn born(calls: &TokenCalls<'_>) -> Self {
        Self {
            generation: 1,
            current: Held::Known(calls.first),
            used: false,
            since: Span { earliest: calls.created.begin, latest: calls.created.end },
            overlap: 0,
            repeatable: None,
            previous: None,
            revoked: false,
            spared: Vec::new(),
        }
    }

    /// Whether a rotation without an answer can have happened now.
    pub fn admits(&self, step: &Step<'_>) -> bool {
        match step.effect {
            Effect::Rotated(Rotated { presented: Some(value), .. }) => self.holds(value),
            Effect::OverlapEnded => self.previous.is_some(),
            Effect::Revoked | Effect::RevokedOnReuse { .. } => !self.revoked,
            _ => true,
        }
    }

    /// The token after a call that took effect within this span, or why it cannot have been answered so.
    pub fn after(&self, calls: &TokenCalls<'_>, step: &Step<'_>, at: Span) -> Result<Self, Reason> {
        match step.effect {
            Effect::Rotated(rotated) => {
                self.lives(calls, at)?;
                self.rotated(calls, step, rotated, at)
            }
            Effect::Verified { value } => {
                self.lives(calls, at)?;
                self.verified(calls, value, at)
            }
            Effect::Refused { value, refusal } => self.refused(calls, value, refusal, at),
            Effect::OverlapEnded => Ok(Self { previous: None, ..self.clone() }),
            Effect::Revoked => Ok(Self { revoked: true, ..self.clone() }),
            Effect::RevokedOnReuse { value } => self.revoked_on_reuse(calls, value, at),
            Effect::ValuesRetired { before } => {
                let retires_lost = self.since.latest < before;
                Ok(self.values_retired(calls, before, retires_lost, at))
            }
        }
    }

    /// The other possible state after a call, if there are two: if the answer that issued a value was lost, its exact time is unknown.
    pub fn otherwise_after(&self, calls: &TokenCalls<'_>, step: &Step<'_>, at: Span) -> Option<Self> {
        let Effect::ValuesRetired { before } = step.effect else { return None };
        let is_open = matches!(self.current, Held::Lost { .. }) && self.since.latest >= before;
        (is_open && self.since.earliest < before).then(|| self.values_retired(calls, before, true, at))
    }

    /// Whether a client can present this value, and it is the current or the previous one.
    fn holds(&self, value: Value) -> bool {
        let value = Held::Known(value);
        self.current == value || self.previous.is_some_and(|previous| previous.value == value)
    }

    fn lives(&self, calls: &TokenCalls<'_>, at: Span) -> Result<(), Reason> {
        if self.revoked {
            return Err(Reason::AcceptedAfterRevocation);
        }
        let overdue = calls.period.map(|period| self.since.latest.saturating_add(period));
        let ends = [calls.expires_at, overdue].into_iter().flatten().min();
        let ended = ends.is_some_and(|ends| at.earliest >= ends.saturating_add(calls.slack));
        if ended { Err(Reason::AcceptedAfterEnd) } else { Ok(()) }
    }

    fn verified(&self, calls: &TokenCalls<'_>, value: Value, at: Span) -> Result<Self, Reason> {
        if self.current == Held::Known(value) {
            return Ok(self.used_at(calls, at));
        }
        self.previous_holds(calls, value, at)?;
        Ok(self.clone())
    }

    /// Whether this is the previous value in its overlap.
    fn previous_holds(&self, calls: &TokenCalls<'_>, value: Value, at: Span) -> Result<Previous, Reason> {
        let Some(previous) = self.previous.filter(|previous| previous.value == Held::Known(value)) else {
            let unborn = calls.generation(value) > self.generation;
            return Err(if unborn { Reason::NotYetIssued } else { Reason::AcceptedWhenRetired });
        };
        let over = previous.ends.is_some_and(|ends| at.earliest >= ends.latest);
        if over { Err(Reason::OverlapExceeded) } else { Ok(previous) }
    }

    /// After a use of the current value, with which an overlap may begin (R4).
    fn used_at(&self, calls: &TokenCalls<'_>, at: Span) -> Self {
        let begun = |previous: Previous| Previous {
            ends: previous.ends.or_else(|| Some(at.plus(self.overlap).widened(calls.slack))),
            ..previous
        };
        let previous = if self.used { self.previous } else { self.previous.map(begun) };
        Self { used: true, previous, ..self.clone() }
    }

    fn rotated(&self, calls: &TokenCalls<'_>, step: &Step<'_>, rotated: Rotated<'_>, at: Span) -> Result<Self, Reason> {
        match rotated.issued {
            Some((value, generation)) if generation == self.generation => self.repeated(calls, value, rotated),
            Some((_, generation)) if generation < self.generation => Err(Reason::TwoWinners),
            Some((_, generation)) if generation > self.generation + 1 => Err(Reason::GenerationSkipped),
            _ => self.issued(calls, step, rotated, at),
        }
    }

    /// The answer of the rotation that issued the current value, again (R6).
    fn repeated(&self, calls: &TokenCalls<'_>, value: Value, rotated: Rotated<'_>) -> Result<Self, Reason> {
        if !self.repeats(calls, rotated) {
            return Err(Reason::TwoWinners);
        }
        if self.used {
            return Err(Reason::RepeatedAfterUse);
        }
        match self.current {
            Held::Known(known) if known != value => Err(Reason::RepeatDiffers),
            Held::Withheld => Err(Reason::TwoWinners),
            // Now its value is known.
            Held::Known(_) | Held::Lost { .. } => Ok(Self { current: Held::Known(value), ..self.clone() }),
        }
    }

    /// Whether this is the request that issued the current value.
    fn repeats(&self, calls: &TokenCalls<'_>, rotated: Rotated<'_>) -> bool {
        let key_of = |call: usize| calls.history.calls[call].idempotency_key.as_deref();
        rotated.key.is_some()
            && self.repeatable.is_some_and(|(presented, issuer)| {
                rotated.presented == Some(presented) && key_of(issuer) == rotated.key
            })
    }

    fn issued(&self, calls: &TokenCalls<'_>, step: &Step<'_>, rotated: Rotated<'_>, at: Span) -> Result<Self, Reason> {
        let Rotated { presented, key, overlap, at_once, issued } = rotated;
        let recovered = match presented {
            Some(value) if self.current == Held::Known(value) => None,
            Some(value) => Some(self.previous_holds(calls, value, at)?),
            // By its id, a rotation cancels an unused value if the one before it works.
            None => self.previous.filter(|_| !self.used),
        };
        if recovered.is_some() && !self.used && self.repeats(calls, rotated) {
            return Err(Reason::RepeatDiffers);
        }
        let granted = if recovered.is_some() { overlap.min(self.overlap) } else { overlap };
        let previous = match recovered {
            None => Previous { value: self.current, ends: None, replaced: at },
            Some(_) if self.used => return Err(Reason::UsedValueCancelled),
            Some(_) if at.latest.saturating_sub(self.since.earliest) < GUARD - calls.slack => {
                return Err(Reason::GuardIgnored);
            }
            Some(previous) => Previous { ends: None, ..previous },
        };
        let mut previous = (granted > 0 || calls.starts_at_first_use && !at_once).then_some(previous);
        if let Some(previous) = previous.as_mut().filter(|_| !calls.starts_at_first_use) {
            let ends = at.plus(granted).widened(calls.slack);
            // A value that is never used does not keep the one before it alive (R3).
            let limit = calls.period.map(|period| previous.replaced.plus(period).widened(calls.slack));
            previous.ends = Some(limit.map_or(ends, |limit| Span {
                earliest: ends.earliest.min(limit.earliest),
                latest: ends.latest.min(limit.latest),
            }));
        }
        Ok(Self {
            generation: self.generation + 1,
            current: issued.map_or(Held::Lost { call: step.call }, |(value, _)| Held::Known(value)),
            used: false,
            since: at,
            overlap: granted,
            repeatable: presented.filter(|_| key.is_some()).map(|presented| (presented, step.call)),
            previous,
            revoked: false,
            spared: self.spared.clone(),
        })
    }

    /// R8: a retired value revokes the token, unless it may come from a lost race, or from a client that `retire-values` surprised.
    fn revoked_on_reuse(&self, calls: &TokenCalls<'_>, value: Value, at: Span) -> Result<Self, Reason> {
        let retired = self.retired(calls, value, at);
        let raced = at.latest < self.since.earliest.saturating_add(GUARD - calls.slack);
        if retired.is_err() || raced || self.spared.contains(&value) {
            return Err(Reason::RefusedWithoutCause);
        }
        Ok(Self { revoked: true, ..self.clone() })
    }

    /// The values that were issued before this moment work no longer. In the place of the current one comes one that nobody has.
    fn values_retired(&self, calls: &TokenCalls<'_>, before: i64, retires_lost: bool, at: Span) -> Self {
        let is_retired = |held: Held| match held {
            Held::Known(value) => calls.issued_at.get(&value).is_none_or(|issued_at| *issued_at < before),
            Held::Lost { .. } => retires_lost,
            Held::Withheld => false,
        };
        if self.revoked {
            return self.clone();
        }
        let mut after = self.clone();
        let held = [Some(self.current), self.previous.map(|previous| previous.value)];
        after.spared.extend(held.into_iter().flatten().filter_map(|held| match held {
            Held::Known(value) if is_retired(held) => Some(value),
            _ => None,
        }));
        after.previous = self.previous.filter(|previous| !is_retired(previous.value));
        if is_retired(self.current) {
            let generation = self.generation + 1;
            let current = Held::Withheld;
            after = Self { generation, current, used: false, since: at, repeatable: None, previous: None, ..after };
        }
        after
    }

    fn refused(&self, calls: &TokenCalls<'_>, value: Value, refusal: Refusal, at: Span) -> Result<Self, Reason> {
        let reached = |end: Option<i64>| end.is_some_and(|end| at.latest >= end.saturating_sub(calls.slack));
        let explained = match refusal {
            // Retired values are kept for longer than any history lasts.
            Refusal::Unknown => return Err(Reason::RotationLost),
            Refusal::Retired => return self.retired(calls, value, at),
            Refusal::Revoked => self.revoked,
            Refusal::Expired => reached(calls.expires_at),
            Refusal::Overdue => reached(calls.period.map(|period| self.since.earliest.saturating_add(period))),
            Refusal::Superseded => return self.superseded(calls, value, at),
        };
        if explained { Ok(self.clone()) } else { Err(Reason::RefusedWithoutCause) }
    }

    /// A value was refused as retired: it was not the current one, and if it was the previous one, its overlap is over.
    fn retired(&self, calls: &TokenCalls<'_>, value: Value, at: Span) -> Result<Self, Reason> {
        if self.current == Held::Known(value) {
            return Err(Reason::RotationLost);
        }
        let Some(previous) = self.previous.filter(|previous| previous.value == Held::Known(value)) else {
            let unborn = calls.generation(value) > self.generation;
            return if unborn { Err(Reason::NotYetIssued) } else { Ok(self.clone()) };
        };
        let ends = previous.ends.or_else(|| {
            let used = self.may_be_used_since(calls)?;
            Some(Span { earliest: used, latest: i64::MAX }.plus(self.overlap).widened(calls.slack))
        });
        let Some(ends) = ends.filter(|ends| at.latest >= ends.earliest) else { return Err(Reason::RotationLost) };
        let latest = ends.latest.min(at.latest.saturating_add(calls.slack));
        let ends = Some(Span { earliest: ends.earliest, latest });
        Ok(Self { previous: Some(Previous { ends, ..previous }), ..self.clone() })
    }

    /// A value was refused because the one after it has been used.
    fn superseded(&self, calls: &TokenCalls<'_>, value: Value, at: Span) -> Result<Self, Reason> {
        if self.current == Held::Known(value) || calls.generation(value) > self.generation {
            return Err(Reason::RefusedWithoutCause);
        }
        if !self.holds(value) || self.used {
            return Ok(self.clone());
        }
        let used = self.may_be_used_since(calls).is_some_and(|since| since <= at.latest);
        if used { Ok(self.used_at(calls, at)) } else { Err(Reason::RefusedWithoutCause) }
    }

    fn may_be_used_since(&self, calls: &TokenCalls<'_>) -> Option<i64> {
        let Held::Known(value) = self.current else { return None };
        calls.may_be_used.get(&value).copied()
    }
}
