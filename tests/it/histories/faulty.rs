//! Good histories with one fault put in. Each is refused, for the right reason.

use super::good::{PERIOD_MINUTES, call, good, keyed, lost, refused, rotate, verify, violations};
use crate::history::check::violation::Reason;
use crate::history::{Call, Kind, Life};

/// The reasons for which a history is refused.
#[track_caller]
fn is_refused(fault: impl FnOnce(&mut Vec<Call>), reason: Reason) {
    let mut calls = good();
    fault(&mut calls);
    let found = violations(calls);
    assert_eq!(found.first().map(|violation| violation.reason), Some(reason), "{found:#?}");
}

fn life(calls: &mut [Call], index: usize) -> &mut Life {
    calls[index].life.as_mut().unwrap()
}

#[test]
fn r7_a_generation_that_two_clients_won() {
    is_refused(|calls| calls.push(rotate("v1", "x", 2, "b", 105)), Reason::TwoWinners);
    is_refused(|calls| calls.push(rotate("v1", "v2", 2, "b", 105)), Reason::TwoWinners);
}

#[test]
fn r13_an_acknowledged_value_that_does_not_work() {
    for code in ["VALUE_RETIRED", "UNAUTHENTICATED"] {
        let fault = |calls: &mut Vec<Call>| {
            calls.truncate(5);
            calls.push(refused(code, verify("v2", "b", 150)));
        };
        is_refused(fault, Reason::RotationLost);
    }
    let unknown = refused("UNAUTHENTICATED", verify("v5", "b", 11_200));
    is_refused(|calls| calls.push(unknown), Reason::RotationLost);
    // The server is back at the generation before.
    is_refused(|calls| calls[14] = rotate("v3", "v6", 5, "a", 12_000), Reason::TwoWinners);
}

#[test]
fn a_value_that_works_after_it_was_refused_for_good() {
    is_refused(|calls| calls.push(verify("v1", "a", 540)), Reason::Resurrected);
    is_refused(|calls| calls.push(verify("v1", "b", 1_600)), Reason::Resurrected);
}

#[test]
fn r10_a_token_that_works_after_its_revocation() {
    is_refused(|calls| calls.push(verify("v6", "a", 13_015)), Reason::AcceptedAfterRevocation);
    is_refused(|calls| calls.push(verify("v6", "b", 14_020)), Reason::AcceptedAfterRevocation);
    is_refused(|calls| calls.push(rotate("v6", "v7", 7, "b", 13_600)), Reason::AcceptedAfterRevocation);
}

#[test]
fn r2_an_expiry_that_moved() {
    is_refused(|calls| *life(calls, 12).expires_at_millis.as_mut().unwrap() += 1, Reason::LifeExtended);
    is_refused(|calls| life(calls, 12).expires_at_millis = None, Reason::LifeExtended);
}

#[test]
fn r3_a_deadline_that_is_later_than_a_period() {
    is_refused(|calls| *life(calls, 12).rotate_by_millis.as_mut().unwrap() += 1, Reason::LifeExtended);
    is_refused(|calls| life(calls, 12).rotation_period_minutes = Some(PERIOD_MINUTES + 1), Reason::LifeExtended);
    let later = |calls: &mut Vec<Call>| {
        life(calls, 12).issued_at_millis += 5_000;
        *life(calls, 12).rotate_by_millis.as_mut().unwrap() += 5_000;
    };
    is_refused(later, Reason::LifeExtended);
}

#[test]
fn r2_r3_a_token_that_works_after_its_end() {
    let overdue = |calls: &mut Vec<Call>| {
        calls.truncate(5);
        calls.push(verify("v2", "b", u64::from(PERIOD_MINUTES) * 60_000 + 5_000));
    };
    is_refused(overdue, Reason::AcceptedAfterEnd);
}

#[test]
fn r6_a_repeated_request_that_gets_another_value() {
    is_refused(|calls| calls[7].issued = Some("x".to_owned()), Reason::RepeatDiffers);
    let issued_anew = |calls: &mut Vec<Call>| {
        calls.truncate(8);
        calls.push(keyed("k", rotate("v2", "x", 4, "b", 15_000)));
    };
    is_refused(issued_anew, Reason::RepeatDiffers);
}

#[test]
fn r6_a_request_that_is_answered_again_after_the_first_use() {
    let mut late = good().remove(7);
    (late.begin_micros, late.end_micros) = (515_000, 518_000);
    is_refused(|calls| calls[7] = late, Reason::RepeatedAfterUse);
}

#[test]
fn r5_a_used_value_that_is_cancelled() {
    let fault = |calls: &mut Vec<Call>| {
        calls.truncate(9);
        calls.push(rotate("v2", "x", 4, "b", 15_000));
    };
    is_refused(fault, Reason::UsedValueCancelled);
}

#[test]
fn r5_a_value_that_is_cancelled_within_ten_seconds() {
    let fault = |calls: &mut Vec<Call>| {
        calls.truncate(12);
        calls.push(rotate("v3", "v5", 5, "b", 5_000));
    };
    is_refused(fault, Reason::GuardIgnored);
}

#[test]
fn r1_a_third_value_that_works() {
    let elsewhere = |calls: &mut Vec<Call>| {
        calls.truncate(9);
        calls.push(verify("v1", "c", 2_000));
    };
    is_refused(elsewhere, Reason::AcceptedWhenRetired);
    // The replica that rotated knows it at once.
    is_refused(|calls| calls.push(verify("v1", "b", 450)), Reason::AcceptedWhenRetired);
}

#[test]
fn r4_a_value_that_works_after_its_overlap() {
    let fault = |calls: &mut Vec<Call>| {
        calls.truncate(5);
        calls.push(verify("v1", "b", 610_000));
    };
    is_refused(fault, Reason::OverlapExceeded);
}

#[test]
fn a_generation_that_nothing_issued() {
    // The lost call would have issued it.
    is_refused(|calls| drop(calls.remove(10)), Reason::GenerationSkipped);
}

#[test]
fn a_value_whose_generation_changes() {
    is_refused(|calls| calls[13].generation = Some(4), Reason::GenerationChanged);
}

#[test]
fn a_value_that_two_generations_share() {
    is_refused(|calls| calls[14].issued = Some("v2".to_owned()), Reason::ValueIssuedTwice);
}

#[test]
fn a_refusal_that_nothing_explains() {
    let revoked = |calls: &mut Vec<Call>| {
        calls.truncate(10);
        calls.push(refused("TOKEN_REVOKED", verify("v3", "b", 560)));
    };
    is_refused(revoked, Reason::RefusedWithoutCause);
    let superseded = |calls: &mut Vec<Call>| {
        calls.truncate(8);
        calls.push(refused("VALUE_SUPERSEDED", rotate("v2", "none", 0, "b", 450)));
    };
    is_refused(superseded, Reason::RefusedWithoutCause);
}

#[test]
fn a_revocation_without_an_answer_explains_a_refusal() {
    let mut calls = good();
    calls[16] = lost(call(Kind::Revoke, "a", 13_000, 13_010));
    assert_eq!(violations(calls), Vec::new());
}

#[test]
fn a_token_of_which_no_creation_is_recorded() {
    is_refused(|calls| drop(calls.remove(0)), Reason::NoCreation);
}
