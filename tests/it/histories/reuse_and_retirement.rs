//! Tokens that are revoked when a retired value is presented, and `rotakey retire-values`: histories that can have happened, and the
//! same with a fault put in.

use super::good::{call, issue, lost, refused, rotate, verify, violations};
use crate::history::check::violation::Reason;
use crate::history::{Call, Kind, Life, OnReuse};

#[track_caller]
fn is_accepted(calls: Vec<Call>) {
    assert_eq!(violations(calls), Vec::new());
}

#[track_caller]
fn is_refused(calls: Vec<Call>, reason: Reason) {
    let found = violations(calls);
    assert_eq!(found.first().map(|violation| violation.reason), Some(reason), "{found:#?}");
}

/// A token with this policy, rotated twice in the first half second. `v1` is retired.
fn rotated_twice(policy: OnReuse) -> Vec<Call> {
    let mut calls = vec![
        issue(call(Kind::Create, "a", 0, 10), "v1", 1),
        verify("v1", "a", 20),
        rotate("v1", "v2", 2, "a", 100),
        verify("v2", "a", 200),
        rotate("v2", "v3", 3, "a", 300),
        verify("v3", "a", 400),
    ];
    for call in &mut calls {
        call.life = call.life.take().map(|life| Life { on_reuse: Some(policy), ..life });
    }
    calls
}

fn with(mut calls: Vec<Call>, more: impl IntoIterator<Item = Call>) -> Vec<Call> {
    calls.extend(more);
    calls
}

/// The command, for the values that were issued before this millisecond.
fn retire_values(before: i64, begin: u64) -> Call {
    let epoch = 1_767_225_600_000;
    Call {
        token: String::new(),
        replica: None,
        issued_before_millis: Some(epoch + before),
        ..call(Kind::RetireValues, "a", begin, begin + 10)
    }
}

#[test]
fn r8_a_retired_value_revokes_a_token_that_says_so_with_or_without_an_answer() {
    let revoked = || refused("TOKEN_REVOKED", verify("v3", "a", 15_100));
    let reuse = verify("v1", "a", 15_000);
    is_accepted(with(rotated_twice(OnReuse::Revoke), [refused("VALUE_RETIRED", reuse.clone()), revoked()]));
    is_accepted(with(rotated_twice(OnReuse::Revoke), [lost(reuse), revoked()]));
}

#[test]
fn r8_a_reuse_that_did_not_revoke() {
    let reuse = refused("VALUE_RETIRED", verify("v1", "a", 15_000));
    let works = verify("v3", "a", 15_100);
    is_accepted(with(rotated_twice(OnReuse::Alert), [reuse.clone(), works.clone()]));
    is_refused(with(rotated_twice(OnReuse::Revoke), [reuse, works]), Reason::AcceptedAfterRevocation);
}

#[test]
fn r8_a_reuse_that_revoked_although_the_token_says_that_it_must_not() {
    let calls =
        [refused("VALUE_RETIRED", verify("v1", "a", 15_000)), refused("TOKEN_REVOKED", verify("v3", "a", 15_100))];
    is_refused(with(rotated_twice(OnReuse::Alert), calls), Reason::RefusedWithoutCause);
}

#[test]
fn r5_a_lost_race_that_revoked() {
    let raced = refused("VALUE_RETIRED", verify("v1", "a", 5_000));
    is_accepted(with(rotated_twice(OnReuse::Revoke), [raced.clone(), verify("v3", "a", 5_100)]));
    let revoked = refused("TOKEN_REVOKED", verify("v3", "a", 5_100));
    is_refused(with(rotated_twice(OnReuse::Revoke), [raced, revoked]), Reason::RefusedWithoutCause);
}

#[test]
fn a_value_that_works_although_its_successor_was_used_to_revoke() {
    let calls = [lost(verify("v2", "a", 15_000)), refused("TOKEN_REVOKED", verify("v3", "a", 15_100))];
    // The previous value works, so it is no reuse.
    is_refused(with(rotated_twice(OnReuse::Revoke), calls), Reason::RefusedWithoutCause);
}

#[test]
fn values_that_are_retired_by_the_operator_work_no_more_until_the_token_is_rotated_by_its_id() {
    let by_id = Call { presented: None, ..rotate("none", "v5", 5, "a", 3_000) };
    let calls = [
        retire_values(1_000, 2_000),
        refused("VALUE_RETIRED", verify("v3", "a", 2_100)),
        refused("VALUE_RETIRED", verify("v2", "a", 2_200)),
        by_id,
        verify("v5", "a", 3_100),
    ];
    is_accepted(with(rotated_twice(OnReuse::Alert), calls.clone()));
    is_accepted(with(rotated_twice(OnReuse::Revoke), calls));
}

#[test]
fn a_value_that_works_after_it_was_retired_by_the_operator() {
    let calls = [retire_values(1_000, 2_000), verify("v3", "a", 4_000)];
    is_refused(with(rotated_twice(OnReuse::Alert), calls), Reason::AcceptedWhenRetired);
    let by_itself = [retire_values(1_000, 2_000), rotate("v3", "v4", 4, "a", 4_000)];
    is_refused(with(rotated_twice(OnReuse::Alert), by_itself), Reason::TwoWinners);
}

#[test]
fn a_value_that_the_operator_retired_although_it_is_younger() {
    // v2 and v3 were issued at 110 and 310.
    let only_v2 =
        [retire_values(200, 2_000), refused("VALUE_RETIRED", verify("v2", "a", 2_100)), verify("v3", "a", 2_200)];
    is_accepted(with(rotated_twice(OnReuse::Alert), only_v2));
    let v3 = [retire_values(200, 2_000), refused("VALUE_RETIRED", verify("v3", "a", 2_100))];
    is_refused(with(rotated_twice(OnReuse::Alert), v3), Reason::RotationLost);
}

#[test]
fn r8_a_client_that_the_operator_surprised_and_whose_token_was_revoked() {
    let calls = [
        retire_values(1_000, 2_000),
        refused("VALUE_RETIRED", verify("v3", "a", 15_000)),
        refused("TOKEN_REVOKED", verify("v3", "a", 15_100)),
    ];
    is_refused(with(rotated_twice(OnReuse::Revoke), calls), Reason::RefusedWithoutCause);
}

#[test]
fn a_lost_rotation_may_have_been_before_or_after_the_values_were_retired() {
    let by_id = |generation| Call { presented: None, ..rotate("none", "v9", generation, "a", 3_000) };
    for generation in [5, 6] {
        let calls = [lost(rotate("v3", "x", 4, "a", 900)), retire_values(1_000, 2_000), by_id(generation)];
        is_accepted(with(rotated_twice(OnReuse::Alert), calls));
    }
    let calls = [lost(rotate("v3", "x", 4, "a", 900)), retire_values(1_000, 2_000), by_id(7)];
    is_refused(with(rotated_twice(OnReuse::Alert), calls), Reason::GenerationSkipped);
}
