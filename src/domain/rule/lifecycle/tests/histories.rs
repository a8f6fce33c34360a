//! Properties over any sequence of what can happen to a token.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{MINUTE, at, shortened, token, value};
use crate::domain::rule::lifecycle::{
    Retirement, Status, apply_use, overlap_begun_by_use, overlap_lasts, standing, status,
};
use crate::domain::rule::rotation::{Rotator, apply};
use crate::domain::rule::suspension::{resume, suspend};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{OverlapStart, Token, ValueFacts};

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
