//! What single calls about a token, or two of them, must satisfy.

use std::collections::HashMap;

use super::calls::{Effect, Refusal, Rotated, Step, TokenCalls, Value, latest_deadline};
use super::state::GUARD;
use super::violation::{Reason, Violation};
use crate::history::History;

/// All that is broken.
pub fn broken(calls: &TokenCalls<'_>) -> Vec<Violation> {
    let mut found = two_winners(calls);
    found.extend(changed_generations(calls));
    found.extend(moved_deadlines(calls));
    found.extend(accepted_after_revocation(calls));
    found.extend(resurrected(calls));
    found.extend(accepted_where_it_was_replaced(calls));
    found
}

/// Values that were issued for two tokens, or for two generations of one.
pub fn values_issued_twice(history: &History) -> Vec<Violation> {
    let (mut owners, mut found) = (HashMap::new(), Vec::new());
    for (index, call) in history.calls.iter().enumerate() {
        let Some(issued) = call.issued.as_deref() else { continue };
        let (first, token, generation) = *owners.entry(issued).or_insert((index, call.token.as_str(), call.generation));
        if (token, generation) != (call.token.as_str(), call.generation) {
            found.push(Violation::of(Reason::ValueIssuedTwice, token, &[first, index]));
        }
    }
    found
}

/// R6, R7: a generation has one winner, and only the same request with the same key gets its value again.
fn two_winners(calls: &TokenCalls<'_>) -> Vec<Violation> {
    let (mut winners, mut found) = (HashMap::new(), Vec::new());
    for (step, rotated) in rotations(calls) {
        let Some((value, generation)) = rotated.issued else { continue };
        let (first, winner): (usize, Rotated<'_>) = *winners.entry(generation).or_insert((step.call, rotated));
        let same = rotated.key.is_some() && (rotated.key, rotated.presented) == (winner.key, winner.presented);
        let same_value = winner.issued == Some((value, generation));
        let reason = if same { Reason::RepeatDiffers } else { Reason::TwoWinners };
        if first != step.call && !(same && same_value) {
            found.push(Violation::of(reason, calls.token, &[first, step.call]));
        }
    }
    found
}

/// The generation of a value never changes.
fn changed_generations(calls: &TokenCalls<'_>) -> Vec<Violation> {
    let changed = calls.answered.iter().filter(|step| {
        let Effect::Verified { value } = step.effect else { return false };
        calls.call(step).generation.is_some_and(|generation| generation != calls.generation(value))
    });
    changed.map(|step| Violation::of(Reason::GenerationChanged, calls.token, &[step.call])).collect()
}

/// R2, R3: the expiry and the period never change, the deadline is one period after the value was issued at the latest, and it was
/// issued during a call.
fn moved_deadlines(calls: &TokenCalls<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let created = calls.history.calls[calls.created.call].life.as_ref();
    let mut issued_at = HashMap::new();
    for step in std::iter::once(&calls.created).chain(&calls.answered) {
        let call = calls.call(step);
        let (Some(life), Some(created)) = (&call.life, created) else { continue };
        let fixed = life.expires_at_millis == created.expires_at_millis
            && life.rotation_period_minutes == created.rotation_period_minutes;
        let latest = latest_deadline(life);
        let deadline_holds = latest.is_none_or(|latest| life.rotate_by_millis.is_some_and(|by| by <= latest));
        // A repeated answer dates the value as the first one did.
        let repeated = call.generation.and_then(|generation| issued_at.insert(generation, life.issued_at_millis));
        let at = (life.issued_at_millis - calls.history.header.epoch_millis) * 1_000;
        let dated = match repeated {
            Some(before) => before == life.issued_at_millis,
            None if call.idempotency_key.is_some() => at <= step.end + calls.slack,
            None => step.begin - calls.slack <= at && at <= step.end + calls.slack,
        };
        if !(fixed && deadline_holds && dated) {
            found.push(Violation::of(Reason::LifeExtended, calls.token, &[calls.created.call, step.call]));
        }
    }
    found
}

/// R8, R10: nothing is accepted after a revocation was acknowledged, or a retired value was refused that revokes the token; other
/// replicas may take their time.
fn accepted_after_revocation(calls: &TokenCalls<'_>) -> Vec<Violation> {
    let revokes = |step: &&Step<'_>| step.effect == Effect::Revoked || is_certain_reuse(calls, step);
    let revocation = calls.answered.iter().filter(revokes).min_by_key(|step| step.end);
    let Some(revocation) = revocation else { return Vec::new() };
    let late = acceptances(calls).find(|(accepted, _)| is_late(calls, revocation, accepted));
    let violation = |(accepted, _): (&Step<'_>, Value)| {
        Violation::of(Reason::AcceptedAfterRevocation, calls.token, &[revocation.call, accepted.call])
    };
    late.map(violation).into_iter().collect()
}

/// R8: whether this refusal must have revoked the token. A value that was retired just before may come from a lost race, and one that
/// `retire-values` has retired is no reuse.
fn is_certain_reuse(calls: &TokenCalls<'_>, refused: &Step<'_>) -> bool {
    let is_reuse = matches!(refused.effect, Effect::Refused { refusal: Refusal::Retired, .. });
    let doubtful = |step: &Step<'_>| {
        let before = step.begin <= refused.end;
        let lately = step.end.saturating_add(GUARD + calls.slack) >= refused.begin;
        match step.effect {
            Effect::Rotated(_) | Effect::OverlapEnded => before && lately,
            Effect::ValuesRetired { .. } => before,
            _ => false,
        }
    };
    calls.revokes_on_reuse && is_reuse && !calls.answered.iter().chain(&calls.unanswered).any(doubtful)
}

/// A value that was refused for good is never accepted again.
fn resurrected(calls: &TokenCalls<'_>) -> Vec<Violation> {
    let refusals = || {
        calls.answered.iter().filter_map(|step| match step.effect {
            Effect::Refused { refusal: Refusal::Revoked, .. } => Some((step, None)),
            _ if calls.clock_set_back => None,
            Effect::Refused { value, refusal: Refusal::Retired } => Some((step, Some(value))),
            Effect::Refused { refusal: Refusal::Expired | Refusal::Overdue, .. } => Some((step, None)),
            _ => None,
        })
    };
    // The first one says it all.
    let found = acceptances(calls).find_map(|(accepted, value)| {
        let mut before =
            refusals().filter(|(refused, of)| of.is_none_or(|of| of == value) && is_late(calls, refused, accepted));
        before
            .next()
            .map(|(refused, _)| Violation::of(Reason::Resurrected, calls.token, &[refused.call, accepted.call]))
    });
    found.into_iter().collect()
}

/// R1, R10: the replica that rotated a token accepts no value of it from then on but the new one and the one that it replaced.
fn accepted_where_it_was_replaced(calls: &TokenCalls<'_>) -> Vec<Violation> {
    let mut rotations: Vec<(u32, &Step<'_>, Rotated<'_>)> = rotations(calls)
        .filter_map(|(step, rotated)| rotated.issued.map(|(_, generation)| (generation, step, rotated)))
        .collect();
    rotations.sort_by_key(|(generation, ..)| *generation);
    let mut found = Vec::new();
    for (accepted, value) in acceptances(calls) {
        let begin = begin(calls, accepted);
        let newer = rotations.partition_point(|(generation, ..)| *generation <= calls.generation(value));
        // Every later one took effect after the call was sent.
        let before = rotations.iter().skip(newer).take_while(|(_, step, _)| step.begin < begin);
        let replaces = |(_, step, rotated): &&(u32, &Step<'_>, Rotated<'_>)| {
            let overlaps = rotated.overlap > 0 || calls.starts_at_first_use && !rotated.at_once;
            let kept = rotated.presented.is_none() || rotated.presented == Some(value) && overlaps;
            !kept && same_replica(calls, step, accepted) && step.end < begin
        };
        if let Some((_, step, _)) = before.clone().find(replaces) {
            found.push(Violation::of(Reason::AcceptedWhenRetired, calls.token, &[step.call, accepted.call]));
        }
    }
    found
}

/// Whether a call was accepted although it began when every server must have known of this one.
fn is_late(calls: &TokenCalls<'_>, known: &Step<'_>, accepted: &Step<'_>) -> bool {
    let begin = begin(calls, accepted);
    match accepted.effect {
        _ if same_replica(calls, known, accepted) => known.end < begin,
        // A rotation asks the database. Clocks of replicas are as far apart as a question to it takes.
        Effect::Rotated(_) => known.end + calls.slack < begin,
        _ => known.end + calls.propagation < begin,
    }
}

fn rotations<'a>(calls: &'a TokenCalls<'a>) -> impl Iterator<Item = (&'a Step<'a>, Rotated<'a>)> {
    calls.answered.iter().filter_map(|step| match step.effect {
        Effect::Rotated(rotated) => Some((step, rotated)),
        _ => None,
    })
}

/// The calls for which a value had to work, with that value.
fn acceptances<'a>(calls: &'a TokenCalls<'a>) -> impl Iterator<Item = (&'a Step<'a>, Value)> {
    calls.answered.iter().filter_map(|step| match step.effect {
        Effect::Verified { value } => Some((step, value)),
        Effect::Rotated(Rotated { presented: Some(value), .. }) => Some((step, value)),
        _ => None,
    })
}

/// When a call was sent.
fn begin(calls: &TokenCalls<'_>, step: &Step<'_>) -> i64 {
    i64::try_from(calls.call(step).begin_micros).unwrap_or(i64::MAX)
}

/// Whether one server answered both calls, as far as the history says.
fn same_replica(calls: &TokenCalls<'_>, one: &Step<'_>, other: &Step<'_>) -> bool {
    let (one, other) = (&calls.call(one).replica, &calls.call(other).replica);
    one.is_some() && one == other
}
