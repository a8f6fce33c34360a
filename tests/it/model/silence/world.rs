//! One state: the token as it is written, what was used, and what went wrong.

use std::hash::{Hash, Hasher};

use rotakey::domain::id::TokenId;
use rotakey::domain::refusal::Refusal;
use rotakey::domain::rule::lifecycle::silence::{in_use, is_silent};
use rotakey::domain::rule::lifecycle::{self, Standing};
use rotakey::domain::rule::rotation::{self, Overlap, Plan, Rotator};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{Actor, OverlapStart, Token, ValueFacts};
use rotakey::domain::value::{Hint, ValueHash};

use super::{LIFE_MINUTES, OVERLAP_MINUTES, SILENT_MINUTES, START};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Replica {
    /// Where operators ask, and housekeeping runs.
    Here,
    There,
}

/// A use that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Use {
    pub(super) generation: u32,
    pub(super) at: Timestamp,
    pub(super) there: bool,
    pub(super) written: bool,
}

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fault {
    AcceptedAfterRefusal,
    AcceptedAfterLimit,
    CutOffInUse,
    RetiredInUse,
    RetiredBeforeFirstUse,
}

/// What should happen now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Seen {
    Refused,
    Passed,
    Forced,
    RetiredAtPresentation,
    RetiredBySweep,
    /// The value was used after its silence, which the replica that retired it did not know.
    UsedAfterSilence,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) moves: u8,
    pub(super) token: Token,
    pub(super) uses: Vec<Use>,
    /// The generations that were refused as retired.
    pub(super) refused: Vec<u32>,
    pub(super) fault: Option<Fault>,
    pub(super) seen: Option<Seen>,
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.now, self.moves, &self.uses, &self.refused, self.fault, self.seen).hash(state);
        for value in self.token.values() {
            (value.generation, value.first_used_at, value.replaced_at, value.retires_at).hash(state);
        }
    }
}

impl World {
    /// The token as a replica knows it: what is written, and what it has seen itself.
    pub(super) fn known(&self, replica: Replica) -> Token {
        let mut token = self.token.clone();
        if let Some(previous) = &mut token.previous {
            previous.last_used_at = self.last_use(replica, previous.generation);
        }
        token
    }

    fn last_use(&self, replica: Replica, generation: u32) -> Option<Timestamp> {
        let known = |used: &&Use| used.generation == generation && is_known(used, replica);
        self.uses.iter().filter(known).map(|used| used.at).max()
    }

    pub(super) fn present(&mut self, generation: u32, replica: Replica) {
        let known = self.known(replica);
        let outcome = match lifecycle::standing(&known, generation, self.now) {
            Ok(Standing::Previous { .. }) if is_silent(&known, self.now) => {
                self.retire_silent(replica, Seen::RetiredAtPresentation);
                Err(Refusal::ValueRetired)
            }
            outcome => outcome.map(drop),
        };
        match outcome {
            Ok(()) => {
                let value = known.value(generation).unwrap();
                let limit = value.replaced_at.map(|replaced_at| match known.settings.overlap_starts {
                    OverlapStart::Rotation => replaced_at.plus_minutes(OVERLAP_MINUTES),
                    OverlapStart::FirstUse => {
                        known.current.first_used_at.map_or(Timestamp::MAX, |used| used.plus_minutes(OVERLAP_MINUTES))
                    }
                });
                let expired = START.plus_minutes(LIFE_MINUTES) <= self.now;
                self.blame(expired || limit.is_some_and(|limit| limit <= self.now), Fault::AcceptedAfterLimit);
                self.blame(self.refused.contains(&generation), Fault::AcceptedAfterRefusal);
                self.token = lifecycle::apply_use(self.token.clone(), generation, self.now);
                self.uses.push(Use { generation, at: self.now, there: replica == Replica::There, written: false });
                self.uses.sort();
            }
            Err(Refusal::ValueRetired) if !self.refused.contains(&generation) => self.refused.push(generation),
            Err(_) => {}
        }
    }

    pub(super) fn retire_silent(&mut self, replica: Replica, seen: Seen) {
        let previous = self.known(replica).previous.unwrap();
        let first_used_at = self.token.current.first_used_at;
        self.blame(first_used_at.is_none(), Fault::RetiredBeforeFirstUse);
        // By what really happened: there was a time without a use that was long enough.
        let begin = first_used_at.max(previous.replaced_at).unwrap();
        let uses = self.uses.iter().filter(|used| used.generation == previous.generation && used.at > begin);
        let mut moments: Vec<Timestamp> =
            [begin].into_iter().chain(uses.map(|used| used.at)).chain([self.now]).collect();
        moments.dedup();
        let silence = moments.windows(2).any(|pair| pair[0].plus_minutes(SILENT_MINUTES) <= pair[1]);
        self.blame(!silence, Fault::RetiredInUse);
        let unknown = |used: &Use| used.generation == previous.generation && !is_known(used, replica);
        self.seen = Some(if self.uses.iter().any(unknown) { Seen::UsedAfterSilence } else { seen });
        self.token.previous = None;
    }

    /// Whether a value may be cut off. An operator at this replica asks.
    pub(super) fn may_cut_off(&mut self, generation: u32, force: bool) -> bool {
        let last = self.last_use(Replica::Here, generation);
        let used = last.is_some_and(|last| self.now < last.plus_minutes(SILENT_MINUTES));
        let works = lifecycle::standing(&self.token, generation, self.now).is_ok();
        if !force && in_use(&self.token, generation, last, self.now).is_some() {
            self.seen = Some(Seen::Refused);
            return false;
        }
        self.seen = Some(if used && works { Seen::Forced } else { Seen::Passed });
        self.blame(used && works && !force, Fault::CutOffInUse);
        true
    }

    pub(super) fn rotate(&mut self, minutes: Option<i32>, force: bool) {
        let overlap = Overlap::of(&self.token.settings, minutes).unwrap();
        // By an operator. For a holder, the request itself would not count as a use, which this model does not distinguish.
        let Ok(Plan::Issue(rotation)) = rotation::rotate(&self.token, Rotator::Other, overlap, None, self.now) else {
            return;
        };
        let cut_off: Vec<u32> = overlap.cut_off(&self.token, &rotation).collect();
        if cut_off.into_iter().any(|generation| !self.may_cut_off(generation, force)) {
            return;
        }
        self.token = rotation::apply(self.token.clone(), &rotation, value(rotation.generation, self.now));
    }

    fn blame(&mut self, guilty: bool, fault: Fault) {
        if guilty {
            self.fault.get_or_insert(fault);
        }
    }
}

pub(super) fn is_known(used: &Use, replica: Replica) -> bool {
    used.written || used.there == (replica == Replica::There)
}

pub(super) fn value(generation: u32, created_at: Timestamp) -> ValueFacts {
    ValueFacts {
        generation,
        hash: ValueHash([u8::try_from(generation).unwrap(); 32]),
        hint: Hint::parse("hint").unwrap(),
        format: None,
        created_at,
        created_by: Actor::ApiToken(TokenId::new(START, [1; 10])),
        first_used_at: None,
        last_used_at: None,
        replaced_at: None,
        retires_at: None,
        overlap_minutes: OVERLAP_MINUTES,
        brown_out: false,
        salt: None,
    }
}
