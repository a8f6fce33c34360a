//! What may be seen of one token: races, lost answers, a recovery and a revocation. It is accepted.

use std::time::Duration;

use crate::history::check::violation::Violation;
use crate::history::check::{Limits, check};
use crate::history::{Call, Header, History, Kind, Life, Outcome, OverlapStarts};

/// Within a second normally (R10).
pub const LIMITS: Limits =
    Limits { propagation: Duration::from_secs(1), clock_slack: Duration::from_millis(500), clock_set_back: false };
const EPOCH: i64 = 1_767_225_600_000;
pub const PERIOD_MINUTES: u32 = 60;

/// A call between these milliseconds.
pub fn call(kind: Kind, replica: &str, begin: u64, end: u64) -> Call {
    Call {
        call: kind,
        client: "client".to_owned(),
        replica: Some(replica.to_owned()),
        token: "tok_1".to_owned(),
        presented: None,
        idempotency_key: None,
        overlap_minutes: None,
        issued_before_millis: None,
        begin_micros: begin * 1_000,
        end_micros: end * 1_000,
        outcome: Outcome::Ok,
        code: None,
        issued: None,
        generation: None,
        life: None,
    }
}

/// A call with this value, which works.
pub fn verify(value: &str, replica: &str, begin: u64) -> Call {
    Call { presented: Some(value.to_owned()), ..call(Kind::Verify, replica, begin, begin + 10) }
}

/// A rotation that is answered.
pub fn rotate(value: &str, issued: &str, generation: u32, replica: &str, begin: u64) -> Call {
    Call {
        presented: Some(value.to_owned()),
        ..issue(call(Kind::Rotate, replica, begin, begin + 10), issued, generation)
    }
}

/// The same call, issuing a value.
pub fn issue(call: Call, issued: &str, generation: u32) -> Call {
    let issued_at_millis = EPOCH + i64::try_from(call.end_micros / 1_000).unwrap();
    let life = Life {
        issued_at_millis,
        expires_at_millis: Some(EPOCH + 36_000_000),
        rotation_period_minutes: Some(PERIOD_MINUTES),
        rotate_by_millis: Some(issued_at_millis + i64::from(PERIOD_MINUTES) * 60_000),
        overlap_minutes: 10,
        overlap_starts: OverlapStarts::Rotation,
        on_reuse: None,
    };
    Call { issued: Some(issued.to_owned()), generation: Some(generation), life: Some(life), ..call }
}

/// The same call with a key.
pub fn keyed(key: &str, call: Call) -> Call {
    Call { idempotency_key: Some(key.to_owned()), ..call }
}

/// The same call without an answer.
pub fn lost(call: Call) -> Call {
    Call { outcome: Outcome::Unknown, issued: None, generation: None, life: None, ..call }
}

/// The same call, refused.
pub fn refused(code: &str, call: Call) -> Call {
    Call { outcome: Outcome::Refused, code: Some(code.to_owned()), ..lost_answer(call) }
}

fn lost_answer(call: Call) -> Call {
    Call { issued: None, generation: None, life: None, ..call }
}

/// The calls by their places: tests refer to them.
pub fn good() -> Vec<Call> {
    let again = |begin: u64| {
        let first = keyed("k", rotate("v2", "v3", 3, "b", 400));
        Call { begin_micros: begin * 1_000, end_micros: (begin + 10) * 1_000, ..first }
    };
    vec![
        issue(call(Kind::Create, "a", 0, 10), "v1", 1),
        verify("v1", "b", 20),
        rotate("v1", "v2", 2, "a", 100),
        verify("v1", "b", 120),
        verify("v2", "b", 130),
        // 5: a lost answer, which is repeated until the new value is used.
        keyed("k", lost(rotate("v2", "v3", 3, "a", 200))),
        again(400),
        again(420),
        verify("v3", "a", 500),
        refused("VALUE_RETIRED", rotate("v1", "none", 0, "a", 520)),
        // 10: a lost answer without a key, and the recovery from it.
        lost(rotate("v3", "v4", 4, "a", 600)),
        refused("ROTATION_CONFLICT", rotate("v3", "none", 0, "b", 800)),
        rotate("v3", "v5", 5, "b", 11_000),
        verify("v5", "a", 11_100),
        rotate("v5", "v6", 6, "a", 12_000),
        // 15: a revocation, of which the other replica learns later.
        verify("v5", "b", 12_100),
        call(Kind::Revoke, "a", 13_000, 13_010),
        refused("TOKEN_REVOKED", verify("v6", "a", 13_020)),
        verify("v6", "b", 13_500),
        refused("TOKEN_REVOKED", verify("v6", "b", 14_100)),
    ]
}

pub fn violations(calls: Vec<Call>) -> Vec<Violation> {
    check(&History { header: Header::new(EPOCH), calls }, LIMITS)
}

#[test]
fn what_the_promises_allow_is_accepted() {
    assert_eq!(violations(good()), Vec::new());
}

#[test]
fn calls_may_be_recorded_in_any_order() {
    let mut calls = good();
    calls.reverse();
    assert_eq!(violations(calls), Vec::new());
}

#[test]
fn a_call_without_an_answer_may_have_happened_or_not_and_late() {
    let mut calls = good();
    calls.truncate(5);
    // It never happened.
    calls.push(lost(rotate("v2", "x", 3, "a", 200)));
    calls.push(rotate("v2", "v3", 3, "a", 1_000));
    // It happened long after its client had given up, and was cancelled.
    calls.push(lost(rotate("v3", "x", 4, "b", 1_100)));
    calls.push(verify("v3", "b", 5_000));
    calls.push(refused("ROTATION_CONFLICT", rotate("v3", "none", 0, "b", 6_000)));
    calls.push(rotate("v3", "v5", 5, "a", 20_000));
    assert_eq!(violations(calls), Vec::new());
}

#[test]
fn an_overlap_that_waits_for_the_first_use_lasts_until_then() {
    let waiting = |call: Call| {
        let life = call.life.map(|life| Life {
            overlap_minutes: 1,
            overlap_starts: OverlapStarts::FirstUse,
            rotation_period_minutes: None,
            rotate_by_millis: None,
            ..life
        });
        Call { life, ..call }
    };
    let mut calls = vec![
        waiting(issue(call(Kind::Create, "a", 0, 10), "v1", 1)),
        waiting(rotate("v1", "v2", 2, "a", 100)),
        verify("v1", "a", 1_000_000),
        verify("v2", "a", 1_000_100),
        verify("v1", "a", 1_050_000),
        refused("VALUE_RETIRED", verify("v1", "a", 1_061_000)),
    ];
    assert_eq!(violations(calls.clone()), Vec::new());
    calls.push(verify("v1", "b", 1_100_000));
    assert!(!violations(calls).is_empty());
}
