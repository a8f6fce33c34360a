//! Tables for every boundary of the lifecycle, and properties over any sequence of what can happen to a token.

mod histories;

use super::*;
use crate::domain::id::TokenId;
use crate::domain::rule::rotation::{Overlap, Plan, Rotation, Rotator, apply, rotate};
use crate::domain::token::{Actor, Settings, TokenKind};
use crate::domain::value::{Hint, ValueHash};

const START: i64 = 1_767_225_600_000;
pub(in crate::domain::rule) const MINUTE: i64 = 60_000;

pub(in crate::domain::rule) fn at(offset_millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(START + offset_millis)
}

pub(super) fn value(generation: u32, created_at: Timestamp) -> ValueFacts {
    ValueFacts {
        generation,
        hash: ValueHash([u8::try_from(generation % 256).unwrap(); 32]),
        hint: Hint::parse(&format!("{generation:04}")).unwrap(),
        format: None,
        created_at,
        // The operator creates tokens and rotates none.
        created_by: if generation == 1 { Actor::System } else { Actor::ApiToken(TokenId::new(at(0), [0; 10])) },
        first_used_at: None,
        last_used_at: None,
        replaced_at: None,
        retires_at: None,
        overlap_minutes: 0,
        brown_out: false,
        salt: None,
    }
}

pub(in crate::domain::rule) fn token(
    expires_after: Option<i64>,
    period_minutes: Option<u32>,
    overlap_minutes: u32,
) -> Token {
    Token {
        id: TokenId::new(at(0), [0; 10]),
        settings: Settings {
            expires_at: expires_after.map(at),
            rotation_period_minutes: period_minutes,
            overlap_minutes,
            ..Settings::named("ci")
        },
        created_at: at(0),
        created_by: Actor::System,
        updated: None,
        last_used_at: None,
        revoked_at: None,
        suspended_at: None,
        current: value(1, at(0)),
        previous: None,
    }
}

/// The rotation that is asked for without key and with the token's own overlap.
pub(super) fn plan(token: &Token, rotator: Rotator, now: Timestamp) -> Result<Rotation, Refusal> {
    shortened(token, rotator, None, now)
}

pub(super) fn shortened(
    token: &Token,
    rotator: Rotator,
    minutes: Option<i32>,
    now: Timestamp,
) -> Result<Rotation, Refusal> {
    match rotate(token, rotator, Overlap::of(&token.settings, minutes).unwrap(), None, now)? {
        Plan::Issue(rotation) => Ok(rotation),
        Plan::Repeat(_) => panic!("nothing was asked for again"),
    }
}

pub(super) fn carried_out(token: Token, rotation: &Rotation, now: Timestamp) -> Token {
    let issued = ValueFacts { overlap_minutes: rotation.overlap_minutes, ..value(rotation.generation, now) };
    apply(token, rotation, issued)
}

pub(super) fn rotated(token: Token, rotator: Rotator, now: Timestamp) -> Result<Token, Refusal> {
    let rotation = plan(&token, rotator, now)?;
    Ok(carried_out(token, &rotation, now))
}

pub(super) const FIRST: Rotator = Rotator::Holder { generation: 1 };

#[test]
fn r2_a_token_is_good_until_the_moment_it_expires() {
    let token = token(Some(5_000), None, 10);
    for (offset, expected) in [(4_999, Status::Active), (5_000, Status::Expired), (5_001, Status::Expired)] {
        assert_eq!(status(&token, at(offset)), expected, "{offset}");
    }
    assert_eq!(plan(&token, FIRST, at(5_000)), Err(Refusal::TokenExpired));
}

#[test]
fn a_token_works_from_its_not_before_on() {
    let mut token = token(None, Some(1), 10);
    token.settings.not_before = Some(at(5_000));
    for (offset, expected) in [(4_999, Status::NotYetValid), (5_000, Status::Active), (5_001, Status::Active)] {
        assert_eq!(status(&token, at(offset)), expected, "{offset}");
        let works = expected == Status::Active;
        assert_eq!(standing(&token, 1, at(offset)).err(), (!works).then_some(Refusal::NotYetValid), "{offset}");
        assert_eq!(plan(&token, Rotator::Other, at(offset)).is_ok(), works, "{offset}");
    }
    // R3: the period begins at creation.
    assert_eq!(status(&token, at(MINUTE)), Status::RotationOverdue);
}

#[test]
fn r2_an_overlap_never_outlasts_the_token() {
    let token = rotated(token(Some(5 * MINUTE), None, 10), FIRST, at(0)).unwrap();
    assert_eq!(token.previous.unwrap().retires_at, Some(at(5 * MINUTE)));
    assert_eq!(token.settings.expires_at, Some(at(5 * MINUTE)));
}

#[test]
fn r3_a_missed_period_is_death_and_each_rotation_starts_a_new_one() {
    let fresh = token(None, Some(1), 0);
    for (offset, expected) in
        [(59_999, Status::Active), (60_000, Status::RotationOverdue), (60_001, Status::RotationOverdue)]
    {
        assert_eq!(status(&fresh, at(offset)), expected, "{offset}");
    }
    assert_eq!(plan(&fresh, FIRST, at(MINUTE)), Err(Refusal::RotationOverdue));
    let rotated = rotated(fresh, FIRST, at(59_999)).unwrap();
    assert_eq!(rotated.rotate_by(), Some(at(59_999 + MINUTE)));
}

#[test]
fn r4_the_previous_value_works_until_the_overlap_ends() {
    let token = rotated(token(None, None, 10), FIRST, at(0)).unwrap();
    let retires_at = Some(at(10 * MINUTE));
    for (offset, expected) in [
        (-1, Ok(Standing::Previous { replaced_at: at(0), retires_at })),
        (0, Err(Refusal::ValueRetired)),
        (1, Err(Refusal::ValueRetired)),
    ] {
        assert_eq!(standing(&token, 1, at(10 * MINUTE + offset)), expected, "{offset}");
    }
    assert_eq!(standing(&token, 2, at(10 * MINUTE)), Ok(Standing::Current));
}

#[test]
fn r4_an_overlap_of_0_retires_the_old_value_immediately() {
    let token = rotated(token(None, None, 0), FIRST, at(0)).unwrap();
    assert_eq!(token.previous, None);
    assert_eq!(standing(&token, 1, at(0)), Err(Refusal::ValueRetired));
}

#[test]
fn r1_a_rotation_during_an_overlap_retires_the_older_value_immediately() {
    let second = rotated(token(None, None, 10), FIRST, at(0)).unwrap();
    let third = rotated(second, Rotator::Holder { generation: 2 }, at(1)).unwrap();
    assert_eq!(standing(&third, 1, at(1)), Err(Refusal::ValueRetired));
    assert!(matches!(standing(&third, 2, at(1)), Ok(Standing::Previous { .. })));
    assert_eq!(standing(&third, 3, at(1)), Ok(Standing::Current));
}

#[test]
fn r5_a_holder_of_the_previous_value_recovers_after_ten_seconds_and_not_before() {
    let token = rotated(token(None, None, 10), FIRST, at(0)).unwrap();
    let conflict = |retry_after_seconds| Some(Refusal::RotationConflict { retry_after_seconds });
    for (offset, refusal) in
        [(0, conflict(10)), (1, conflict(10)), (9_999, conflict(1)), (10_000, None), (10_001, None)]
    {
        assert_eq!(plan(&token, FIRST, at(offset)).err(), refusal, "{offset}");
    }
    let recovered = rotated(token, FIRST, at(10_000)).unwrap();
    assert_eq!(standing(&recovered, 2, at(10_000)), Err(Refusal::ValueRetired), "the unused value is cancelled");
    assert_eq!(standing(&recovered, 3, at(10_000)), Ok(Standing::Current));
    let retires_at = Some(at(10_000 + 10 * MINUTE));
    assert_eq!(standing(&recovered, 1, at(10_000)), Ok(Standing::Previous { replaced_at: at(0), retires_at }));
}

#[test]
fn r5_after_the_first_use_of_the_new_value_the_previous_one_cannot_rotate() {
    let mut token = rotated(token(None, None, 10), FIRST, at(0)).unwrap();
    token = apply_use(token, 2, at(0));
    for offset in [0, 10_000, 10 * MINUTE - 1] {
        assert_eq!(plan(&token, FIRST, at(offset)), Err(Refusal::ValueSuperseded), "{offset}");
    }
}

#[test]
fn a_public_token_is_rotated_by_someone_else_only() {
    let mut token = token(None, None, 10);
    token.settings.kind = TokenKind::Public;
    assert!(matches!(plan(&token, FIRST, at(0)), Err(Refusal::Forbidden(_))));
    assert!(plan(&token, Rotator::Other, at(0)).is_ok());
}

#[test]
fn r15_a_rotation_cuts_off_the_values_in_circulation_only_if_no_overlap_is_asked_for() {
    let cut_off = |token: &Token, rotator, minutes, now| {
        let overlap = Overlap::of(&token.settings, minutes).unwrap();
        let Ok(Plan::Issue(rotation)) = rotate(token, rotator, overlap, None, now) else { panic!("refused") };
        overlap.cut_off(token, &rotation).collect::<Vec<_>>()
    };
    for (own, asked, expected) in [(10, None, vec![]), (10, Some(1), vec![]), (10, Some(0), vec![1]), (0, None, vec![])]
    {
        assert_eq!(cut_off(&token(None, None, own), FIRST, asked, at(0)), expected, "{own} {asked:?}");
    }
    // R5: a new value that was not used is cancelled, and is in nobody's use.
    let lost = rotated(token(None, None, 10), FIRST, at(0)).unwrap();
    for rotator in [FIRST, Rotator::Other] {
        assert_eq!(cut_off(&lost, rotator, None, at(10_000)), Vec::<u32>::new());
        assert_eq!(cut_off(&lost, rotator, Some(0), at(10_000)), [1]);
    }
    // R1: at most two values work, so the previous one stops as well.
    assert_eq!(cut_off(&lost, Rotator::Holder { generation: 2 }, Some(0), at(0)), [1, 2]);
}

#[test]
fn r10_a_revoked_token_stays_revoked_whatever_else_is_true_of_it() {
    let mut token = token(Some(5_000), Some(1), 10);
    token.revoked_at = Some(at(0));
    for offset in [-1, 0, 5_000, MINUTE] {
        assert_eq!(standing(&token, 1, at(offset)), Err(Refusal::TokenRevoked), "{offset}");
        assert_eq!(plan(&token, Rotator::Other, at(offset)), Err(Refusal::TokenRevoked), "{offset}");
    }
}
