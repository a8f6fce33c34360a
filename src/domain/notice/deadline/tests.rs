use super::*;
use crate::domain::id::TokenId;
use crate::domain::token::{Actor, Settings};
use crate::domain::value::{Hint, ValueHash};

const MINUTE: i64 = 60_000;
const DAY: u32 = 24 * 60;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_767_225_600_000 + minutes * MINUTE)
}

fn value(generation: u32, created_at: Timestamp) -> ValueFacts {
    ValueFacts {
        generation,
        hash: ValueHash([0; 32]),
        hint: Hint::parse("0000").unwrap(),
        created_at,
        created_by: Actor::System,
        first_used_at: None,
        last_used_at: None,
        replaced_at: None,
        retires_at: None,
        overlap_minutes: 0,
        salt: None,
        brown_out: false,
        format: None,
    }
}

/// A token that was created at 0.
fn token(change: impl FnOnce(&mut Token)) -> Token {
    let mut token = Token {
        id: TokenId::new(at(0), [0; 10]),
        settings: Settings::named("ci"),
        created_at: at(0),
        created_by: Actor::System,
        updated: None,
        last_used_at: None,
        revoked_at: None,
        suspended_at: None,
        current: value(1, at(0)),
        previous: None,
    };
    change(&mut token);
    token
}

fn rotated(overlap_minutes: u32, last_used_at: Option<Timestamp>) -> Token {
    token(|token| {
        let retires_at = Some(at(100).plus_minutes(overlap_minutes));
        let old = ValueFacts { first_used_at: Some(at(1)), replaced_at: Some(at(100)), retires_at, ..value(1, at(0)) };
        token.previous = Some(Box::new(ValueFacts { last_used_at, ..old }));
        token.current = ValueFacts { overlap_minutes, ..value(2, at(100)) };
    })
}

fn notice(deadline: Deadline, token: &Token, now: Timestamp) -> Option<Notice> {
    deadline.notice(token, NoticeId::new(now, [0; 10]), now)
}

#[test]
fn an_expiry_is_announced_ahead_of_it_unless_the_token_is_younger() {
    let expiring = token(|token| token.settings.expires_at = Some(at(100)));
    for (lead, announced) in [(1, Some(at(99))), (99, Some(at(1))), (100, None), (101, None)] {
        assert_eq!(Deadline::Expiry(lead).announced_at(&expiring), announced, "{lead}");
    }
    assert_eq!(Deadline::Expiry(1).announced_at(&token(|_| {})), None);
    let said = notice(Deadline::Expiry(1), &expiring, at(99)).unwrap();
    assert_eq!((said.kind, said.deadline, said.at), (NoticeKind::Expiring, Some(at(100)), at(99)));
    assert_eq!(notice(Deadline::Expiry(1), &expiring, at(100)), None, "it has expired");
}

#[test]
fn a_rotation_is_announced_after_a_half_three_quarters_and_nine_tenths_of_the_period() {
    let due = |period, expires_at: Option<i64>| {
        token(|token| {
            token.settings.rotation_period_minutes = Some(period);
            token.settings.expires_at = expires_at.map(at);
            token.current.created_at = at(10);
        })
    };
    let announced = |token: &Token| Passed::ALL.map(|passed| Deadline::Rotation(passed).announced_at(token));
    assert_eq!(announced(&due(100, None)), [Some(at(60)), Some(at(85)), Some(at(100))]);
    assert_eq!(announced(&due(100, Some(111)))[0], Some(at(60)));
    assert_eq!(announced(&due(100, Some(110))), [None; 3], "it expires no later");
    assert_eq!(announced(&token(|_| {})), [None; 3]);
    let half = Deadline::Rotation(Passed::Half).announced_at(&due(1, None)).unwrap();
    assert_eq!(half.unix_millis(), at(10).unix_millis() + MINUTE / 2);
    let said = notice(Deadline::Rotation(Passed::NineTenths), &due(100, None), at(109)).unwrap();
    assert_eq!((said.kind, said.deadline, said.generation), (NoticeKind::RotationDue, Some(at(110)), Some(1)));
    assert_eq!(notice(Deadline::Rotation(Passed::NineTenths), &due(100, None), at(110)), None, "it is overdue");
}

#[test]
fn the_end_of_an_overlap_is_announced_if_the_previous_value_is_in_use() {
    for (lead, announced) in [(5, Some(at(195))), (99, Some(at(101))), (100, None), (101, None)] {
        assert_eq!(Deadline::OverlapEnd(lead).announced_at(&rotated(100, None)), announced, "{lead}");
    }
    let said = |last_used_at: Option<i64>, now| {
        notice(Deadline::OverlapEnd(5), &rotated(10 * DAY, last_used_at.map(at)), at(now))
    };
    let end = 100 + i64::from(10 * DAY);
    let (kind, deadline) = (NoticeKind::OverlapEnding, Some(at(end)));
    let known = said(Some(end - 10), end - 5).unwrap();
    assert_eq!((known.kind, known.deadline, known.generation), (kind, deadline, Some(1)));
    assert_eq!(known.last_used_at, Some(at(end - 10)));
    assert_eq!(said(None, 110), None, "used before it was replaced only");
    assert_eq!(said(Some(99), 110), None, "used before it was replaced only");
    assert!(said(Some(100), 110).is_some());
    let day = i64::from(DAY);
    assert!(said(Some(100), 100 + day).is_some());
    assert_eq!(said(Some(100), 101 + day), None, "silent for a day");
    assert_eq!(said(Some(end - 10), end), None, "it has retired");
    let patient = Token {
        settings: Settings { silent_minutes: 2 * DAY, ..Settings::named("ci") },
        ..rotated(10 * DAY, Some(at(100)))
    };
    assert!(notice(Deadline::OverlapEnd(5), &patient, at(100 + 2 * day)).is_some());
}

#[test]
fn a_token_is_unused_since_its_last_use_or_its_creation() {
    let used = token(|token| token.last_used_at = Some(at(50)));
    assert_eq!(Deadline::Unused(30).announced_at(&used), Some(at(80)));
    assert_eq!(Deadline::Unused(30).announced_at(&token(|_| {})), Some(at(30)));
    let said = notice(Deadline::Unused(30), &used, at(80)).unwrap();
    assert_eq!((said.kind, said.deadline, said.last_used_at), (NoticeKind::Unused, None, Some(at(50))));
    let suspended = token(|token| token.suspended_at = Some(at(1)));
    assert_eq!(notice(Deadline::Unused(30), &suspended, at(80)), None, "it cannot be used");
}

#[test]
fn nothing_is_announced_of_a_token_that_is_dead_and_all_but_its_disuse_of_one_that_is_suspended() {
    let mut all = rotated(100, Some(at(150)));
    all.settings.expires_at = Some(at(1_000));
    all.settings.rotation_period_minutes = Some(500);
    let deadlines =
        [Deadline::Expiry(1), Deadline::Rotation(Passed::Half), Deadline::OverlapEnd(5), Deadline::Unused(1)];
    assert!(deadlines.iter().all(|deadline| notice(*deadline, &all, at(195)).is_some()));
    let suspended = Token { suspended_at: Some(at(194)), ..all.clone() };
    let said: Vec<bool> = deadlines.iter().map(|deadline| notice(*deadline, &suspended, at(195)).is_some()).collect();
    assert_eq!(said, [true, true, true, false]);
    let revoked = Token { revoked_at: Some(at(194)), ..all };
    assert!(deadlines.iter().all(|deadline| notice(*deadline, &revoked, at(195)).is_none()));
}

#[test]
fn the_names_of_deadlines_never_change() {
    let names = [
        Deadline::Expiry(43_200),
        Deadline::Rotation(Passed::NineTenths),
        Deadline::OverlapEnd(5),
        Deadline::Unused(1),
    ];
    assert_eq!(names.map(Deadline::name), ["EXPIRING:43200", "ROTATION_DUE:9/10", "OVERLAP_ENDING:5", "UNUSED:1"]);
}
