//! Tables for every boundary of the lifecycle, and properties over any sequence of what can happen to a token.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::id::TokenId;
use crate::domain::rule::rotation::{Overlap, Plan, Rotation, Rotator, apply, rotate};
use crate::domain::rule::suspension::{resume, suspend};
use crate::domain::token::{Actor, OverlapStart, Settings, TokenKind};
use crate::domain::value::{Hint, ValueHash};

const START: i64 = 1_767_225_600_000;
const MINUTE: i64 = 60_000;

fn at(offset_millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(START + offset_millis)
}

fn value(generation: u32, created_at: Timestamp) -> ValueFacts {
    ValueFacts {
        generation,
        hash: ValueHash([u8::try_from(generation % 256).unwrap(); 32]),
        hint: Hint::parse(&format!("{generation:04}")).unwrap(),
        created_at,
        // The operator creates tokens and rotates none.
        created_by: if generation == 1 { Actor::System } else { Actor::ApiToken(TokenId::new(at(0), [0; 10])) },
        first_used_at: None,
        replaced_at: None,
        retires_at: None,
        overlap_minutes: 0,
        salt: None,
    }
}

fn token(expires_after: Option<i64>, period_minutes: Option<u32>, overlap_minutes: u32) -> Token {
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
fn plan(token: &Token, rotator: Rotator, now: Timestamp) -> Result<Rotation, Refusal> {
    shortened(token, rotator, None, now)
}

fn shortened(token: &Token, rotator: Rotator, minutes: Option<i32>, now: Timestamp) -> Result<Rotation, Refusal> {
    match rotate(token, rotator, Overlap::of(&token.settings, minutes).unwrap(), None, now)? {
        Plan::Issue(rotation) => Ok(rotation),
        Plan::Repeat(_) => panic!("nothing was asked for again"),
    }
}

fn carried_out(token: Token, rotation: &Rotation, now: Timestamp) -> Token {
    let issued = ValueFacts { overlap_minutes: rotation.overlap_minutes, ..value(rotation.generation, now) };
    apply(token, rotation, issued)
}

fn rotated(token: Token, rotator: Rotator, now: Timestamp) -> Result<Token, Refusal> {
    let rotation = plan(&token, rotator, now)?;
    Ok(carried_out(token, &rotation, now))
}

const FIRST: Rotator = Rotator::Holder { generation: 1 };

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
fn r10_a_revoked_token_stays_revoked_whatever_else_is_true_of_it() {
    let mut token = token(Some(5_000), Some(1), 10);
    token.revoked_at = Some(at(0));
    for offset in [-1, 0, 5_000, MINUTE] {
        assert_eq!(standing(&token, 1, at(offset)), Err(Refusal::TokenRevoked), "{offset}");
        assert_eq!(plan(&token, Rotator::Other, at(offset)), Err(Refusal::TokenRevoked), "{offset}");
    }
}

/// What can happen to a token. Generations are chosen among all that were ever issued, dead ones included.
#[derive(Clone, Debug)]
enum Happening {
    RotateAsHolder(prop::sample::Index, i32),
    RotateAsOther(i32),
    EndOverlap,
    Use(prop::sample::Index),
    Wait(i64),
    Suspend,
    Resume,
    Revoke,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), 0..20).prop_map(|(index, asked)| Happening::RotateAsHolder(index, asked)),
        2 => (0..20).prop_map(Happening::RotateAsOther),
        1 => Just(Happening::EndOverlap),
        3 => any::<prop::sample::Index>().prop_map(Happening::Use),
        // Now and then another replica's clock is read, which is behind.
        4 => prop_oneof![0..20_000_i64, 0..15 * MINUTE, -5_000..0_i64].prop_map(Happening::Wait),
        1 => Just(Happening::Suspend),
        1 => Just(Happening::Resume),
        1 => Just(Happening::Revoke),
    ]
}

/// The token as the rules see it, beside every value ever issued as a database keeps it.
struct World {
    token: Token,
    ledger: BTreeMap<u32, ValueFacts>,
    previous: Option<u32>,
    now: Timestamp,
}

impl World {
    fn new(token: Token) -> Self {
        let ledger = BTreeMap::from([(1, token.current.clone())]);
        Self { token, ledger, previous: None, now: at(0) }
    }

    fn working(&self) -> Vec<u32> {
        let works = |value: &&ValueFacts| {
            let lasts = value.retires_at.is_none_or(|retires_at| self.now < retires_at);
            value.replaced_at.is_none() || self.previous == Some(value.generation) && lasts
        };
        self.ledger.values().filter(works).map(|value| value.generation).collect()
    }

    fn any_generation(&self, index: &prop::sample::Index) -> u32 {
        u32::try_from(index.index(self.ledger.len())).unwrap() + 1
    }

    fn retire(&mut self, retirement: Retirement) {
        self.ledger.get_mut(&retirement.generation).unwrap().retires_at = retirement.retires_at;
    }

    fn rotate(&mut self, rotator: Rotator, asked: i32) {
        let own = i32::try_from(self.token.settings.overlap_minutes).unwrap();
        let asked = (asked <= own).then_some(asked);
        let Ok(rotation) = shortened(&self.token, rotator, asked, self.now) else { return };
        self.ledger.get_mut(&rotation.from_generation).unwrap().replaced_at = Some(self.now);
        self.previous = rotation.previous.map(|previous| previous.generation);
        if let Some(previous) = rotation.previous {
            self.retire(previous);
        }
        let issued = ValueFacts { overlap_minutes: rotation.overlap_minutes, ..value(rotation.generation, self.now) };
        assert!(self.ledger.insert(rotation.generation, issued.clone()).is_none(), "R7: a generation is issued once");
        self.token = apply(self.token.clone(), &rotation, issued);
    }

    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::RotateAsHolder(index, asked) => {
                let generation = self.any_generation(index);
                self.rotate(Rotator::Holder { generation }, *asked);
            }
            Happening::RotateAsOther(asked) => self.rotate(Rotator::Other, *asked),
            Happening::EndOverlap => {
                if overlap_lasts(&self.token, self.now) {
                    (self.previous, self.token.previous) = (None, None);
                }
            }
            Happening::Use(index) => {
                let generation = self.any_generation(index);
                if standing(&self.token, generation, self.now).is_ok() {
                    match overlap_begun_by_use(&self.token, generation, self.now) {
                        Some(Some(retirement)) => self.retire(retirement),
                        Some(None) => self.previous = None,
                        None => {}
                    }
                    self.token = apply_use(self.token.clone(), generation, self.now);
                }
            }
            Happening::Wait(millis) => self.now = Timestamp::from_unix_millis(self.now.unix_millis() + millis),
            Happening::Suspend => {
                if suspend(&self.token, self.now) == Ok(true) {
                    self.token.suspended_at = Some(self.now);
                }
            }
            Happening::Resume => {
                if resume(&self.token, self.now) == Ok(true) {
                    self.token.suspended_at = None;
                }
            }
            Happening::Revoke => self.token.revoked_at = self.token.revoked_at.or(Some(self.now)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_r1_and_r2_hold(
        expires_after in proptest::option::of(1..60 * MINUTE),
        period_minutes in proptest::option::of(1..40_u32),
        overlap_minutes in 0..15_u32,
        first_use in any::<bool>(),
        happenings in prop::collection::vec(happening(), 1..40),
    ) {
        let overlap_minutes = overlap_minutes.min(period_minutes.unwrap_or(u32::MAX));
        let mut born = token(expires_after, period_minutes, overlap_minutes);
        born.settings.overlap_starts = if first_use { OverlapStart::FirstUse } else { OverlapStart::Rotation };
        let mut world = World::new(born.clone());
        let mut died = None;
        for happening in &happenings {
            world.happen(happening);
            let (token, now) = (&world.token, world.now);

            // R1: exactly one value is current, and never more than two work.
            let current: Vec<u32> =
                world.ledger.values().filter(|value| value.replaced_at.is_none()).map(|value| value.generation).collect();
            prop_assert_eq!(&current, &[token.current.generation]);
            prop_assert!(world.working().len() <= 2, "working: {:?}", world.working());

            // R2: the life is the one given at creation, and no value works outside it.
            prop_assert_eq!(&token.settings, &born.settings);
            let expired = born.settings.expires_at.is_some_and(|expires_at| expires_at <= now);
            for generation in world.ledger.keys() {
                let works = standing(token, *generation, now).is_ok();
                let active = status(token, now) == Status::Active;
                prop_assert_eq!(works, active && world.working().contains(generation), "generation {}", generation);
                prop_assert!(!(works && expired));
            }

            // Death is for ever: no sequence of calls brings a dead token back. A clock that is behind may find it alive, and
            // who rotates it there and then is in time.
            let alive = !status(token, now).is_final();
            prop_assert!(!alive || died.is_none_or(|died| now < died));
            died = if alive { None } else { died.or(Some(now)) };
        }
    }
}
