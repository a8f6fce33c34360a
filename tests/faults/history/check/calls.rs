//! The calls about one token, in numbers: times in microseconds of the recorder's clock, and values by the order of their issue.

use std::collections::HashMap;

use super::Limits;
use super::violation::{Reason, Violation};
use crate::history::{Call, History, Kind, Life, OnReuse, Outcome, OverlapStarts};

const MINUTE: i64 = 60_000_000;

/// A value that an answer issued, as an index.
pub type Value = u32;

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    Rotated(Rotated<'a>),
    Verified {
        value: Value,
    },
    /// With a code that says something about the value.
    Refused {
        value: Value,
        refusal: Refusal,
    },
    OverlapEnded,
    Revoked,
    /// This retired value was presented, and the token was revoked for it.
    RevokedOnReuse {
        value: Value,
    },
    /// The values that were issued before this moment were retired.
    ValuesRetired {
        before: i64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated<'a> {
    /// `None` if somebody else rotated the token by its id.
    pub presented: Option<Value>,
    pub key: Option<&'a str>,
    /// The overlap, in microseconds.
    pub overlap: i64,
    /// Whether no overlap was asked for.
    pub at_once: bool,
    /// The new value and its generation, if there was an answer.
    pub issued: Option<(Value, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No token has this value.
    Unknown,
    Retired,
    Revoked,
    Expired,
    Overdue,
    Superseded,
}

#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The index of the call in the history.
    pub call: usize,
    pub effect: Effect<'a>,
    pub begin: i64,
    pub end: i64,
}

/// The token as it was created, and its calls.
pub struct TokenCalls<'a> {
    pub history: &'a History,
    pub token: &'a str,
    pub created: Step<'a>,
    pub first: Value,
    /// How long the previous value works on, in microseconds.
    pub overlap: i64,
    pub starts_at_first_use: bool,
    pub expires_at: Option<i64>,
    pub period: Option<i64>,
    /// Whether the token is revoked if a retired value is presented.
    pub revokes_on_reuse: bool,
    /// With an answer, by the earliest moment at which it may have taken effect.
    pub answered: Vec<Step<'a>>,
    /// Without, by their begin. Each may have happened, or not.
    pub unanswered: Vec<Step<'a>>,
    /// The generation of each value.
    pub generations: Vec<u32>,
    /// When each value was issued, by the clock of the database and in microseconds of the recorder's.
    pub issued_at: HashMap<Value, i64>,
    /// From when on a value may have been used by a call whose answer does not say so.
    pub may_be_used: HashMap<Value, i64>,
    /// See [`Limits`], in microseconds.
    pub propagation: i64,
    pub slack: i64,
    pub clock_set_back: bool,
}

impl<'a> TokenCalls<'a> {
    pub fn read(history: &'a History, token: &'a str, indexes: &[usize], limits: Limits) -> Result<Self, Violation> {
        let calls = || indexes.iter().map(|index| (*index, &history.calls[*index]));
        let creations: Vec<usize> = calls()
            .filter(|(_, call)| call.call == Kind::Create && call.outcome == Outcome::Ok)
            .map(|(at, _)| at)
            .collect();
        let [creation] = creations.as_slice() else {
            let reason = if creations.is_empty() { Reason::NoCreation } else { Reason::TwoWinners };
            return Err(Violation::of(reason, token, &creations));
        };
        let born = &history.calls[*creation];
        let life = born.life.as_ref().ok_or_else(|| Violation::of(Reason::NoCreation, token, &[*creation]))?;
        let (values, generations) = number_values(calls());
        let moment = |millis: i64| (millis - history.header.epoch_millis) * 1_000;
        let issued_at = calls().filter_map(|(_, call)| {
            Some((*values.get(call.issued.as_deref()?)?, moment(call.life.as_ref()?.issued_at_millis)))
        });
        let issued_at = issued_at.collect();
        let first = born.issued.as_deref().and_then(|issued| values.get(issued)).copied();
        let first = first.ok_or_else(|| Violation::of(Reason::NoCreation, token, &[*creation]))?;
        let propagation = i64::try_from(limits.propagation.as_micros()).unwrap_or(i64::MAX);
        let mut read = Self {
            history,
            token,
            created: step(*creation, born, Effect::Verified { value: first }),
            first,
            overlap: i64::from(life.overlap_minutes) * MINUTE,
            starts_at_first_use: life.overlap_starts == OverlapStarts::FirstUse,
            expires_at: life.expires_at_millis.map(moment),
            period: life.rotation_period_minutes.map(|minutes| i64::from(minutes) * MINUTE),
            revokes_on_reuse: life.on_reuse == Some(OnReuse::Revoke),
            answered: Vec::new(),
            unanswered: Vec::new(),
            generations,
            issued_at,
            may_be_used: HashMap::new(),
            propagation,
            slack: i64::try_from(limits.clock_slack.as_micros()).unwrap_or(i64::MAX),
            clock_set_back: limits.clock_set_back,
        };
        for (index, call) in calls().filter(|(_, call)| call.outcome != Outcome::NotSent) {
            read.add(index, call, &values);
        }
        read.answered.sort_by_key(|step| (step.begin, step.end));
        read.unanswered.sort_by_key(|step| step.begin);
        Ok(read)
    }

    pub fn generation(&self, value: Value) -> u32 {
        self.generations[value as usize]
    }

    pub fn call(&self, step: &Step<'_>) -> &'a Call {
        &self.history.calls[step.call]
    }

    fn add(&mut self, index: usize, call: &'a Call, values: &HashMap<&'a str, Value>) {
        let presented = call.presented.as_deref().and_then(|presented| values.get(presented)).copied();
        let unknown = call.outcome == Outcome::Unknown || is_failure(call.code.as_deref());
        if let Some(value) = presented.filter(|_| unknown || call.call != Kind::Verify) {
            let since = self.may_be_used.entry(value).or_insert(micros(call.begin_micros));
            *since = (*since).min(micros(call.begin_micros));
        }
        let refused = call.outcome == Outcome::Refused && !unknown;
        let reuses = unknown || refusal(call.code.as_deref()) == Some(Refusal::Retired);
        if let Some(value) = presented.filter(|_| self.revokes_on_reuse && reuses) {
            let step = step(index, call, Effect::RevokedOnReuse { value });
            self.unanswered.push(Step { end: i64::MAX, ..step });
        }
        let effect = match call.call {
            _ if refused => match (presented, refusal(call.code.as_deref())) {
                (Some(value), Some(refusal)) => Effect::Refused { value, refusal },
                _ => return,
            },
            // A value that no call issued; nothing is known of it.
            Kind::Rotate | Kind::Verify if call.presented.is_some() && presented.is_none() => return,
            Kind::Create => return,
            Kind::Rotate => Effect::Rotated(self.rotated(call, presented, values)),
            Kind::Verify => match presented {
                Some(value) if !unknown => Effect::Verified { value },
                _ => return,
            },
            Kind::EndOverlap => Effect::OverlapEnded,
            Kind::Revoke => Effect::Revoked,
            Kind::RetireValues => {
                let Some(before) = call.issued_before_millis else { return };
                Effect::ValuesRetired { before: (before - self.history.header.epoch_millis) * 1_000 }
            }
        };
        let mut step = step(index, call, effect);
        if unknown {
            step.end = i64::MAX;
            self.unanswered.push(step);
            return;
        }
        if matches!(effect, Effect::Verified { .. }) {
            // It may rest on what another replica was told before a change.
            step.begin -= self.propagation;
        }
        self.answered.push(step);
    }

    fn rotated(&self, call: &'a Call, presented: Option<Value>, values: &HashMap<&'a str, Value>) -> Rotated<'a> {
        let issued = call.issued.as_deref().and_then(|issued| values.get(issued)).copied();
        Rotated {
            presented,
            key: call.idempotency_key.as_deref(),
            overlap: call.overlap_minutes.map_or(self.overlap, |minutes| i64::from(minutes) * MINUTE),
            at_once: call.overlap_minutes == Some(0),
            issued: issued.map(|issued| (issued, call.generation.unwrap_or_else(|| self.generation(issued)))),
        }
    }
}

/// The values that answers issued, and their generations.
fn number_values<'a>(calls: impl Iterator<Item = (usize, &'a Call)>) -> (HashMap<&'a str, Value>, Vec<u32>) {
    let (mut values, mut generations) = (HashMap::new(), Vec::new());
    for (_, call) in calls {
        if let (Some(issued), Some(generation)) = (call.issued.as_deref(), call.generation) {
            values.entry(issued).or_insert_with(|| {
                generations.push(generation);
                u32::try_from(generations.len() - 1).unwrap_or(u32::MAX)
            });
        }
    }
    (values, generations)
}

fn step<'a>(call: usize, recorded: &Call, effect: Effect<'a>) -> Step<'a> {
    Step { call, effect, begin: micros(recorded.begin_micros), end: micros(recorded.end_micros) }
}

fn micros(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}

/// Whether this code leaves open what happened.
fn is_failure(code: Option<&str>) -> bool {
    matches!(code, Some("UNAVAILABLE" | "INTERNAL"))
}

fn refusal(code: Option<&str>) -> Option<Refusal> {
    Some(match code? {
        "UNAUTHENTICATED" => Refusal::Unknown,
        "VALUE_RETIRED" => Refusal::Retired,
        "TOKEN_REVOKED" => Refusal::Revoked,
        "TOKEN_EXPIRED" => Refusal::Expired,
        "ROTATION_OVERDUE" => Refusal::Overdue,
        "VALUE_SUPERSEDED" => Refusal::Superseded,
        _ => return None,
    })
}

/// When a value issued by this answer must be rotated at the latest.
pub fn latest_deadline(life: &Life) -> Option<i64> {
    life.rotation_period_minutes.map(|minutes| life.issued_at_millis + i64::from(minutes) * 60_000)
}
