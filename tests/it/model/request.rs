//! A request to rotate, step by step as `service` takes it: presented and admitted, decided, written.

use rotakey::domain::refusal::Refusal;
use rotakey::domain::rule::lifecycle;
use rotakey::domain::rule::rotation::{self, Overlap, Plan, Repeatable, Rotation, Rotator};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::Token;
use rotakey::domain::value::derivation;

use super::Lifecycle;
use super::vault::{self, Issue, Secret};
use super::world::{Decision, Fault, Presented, Row, Step, Who, World};

impl Lifecycle {
    /// What a rotation asked for comes to, by the rules. Bob asks by his key.
    pub fn rotate(&self, token: &Token, who: Who, presented: &Presented, at: Timestamp) -> Result<Plan, Refusal> {
        let Presented { secret, generation, at_once } = *presented;
        let overlap = Overlap::of(&token.settings, at_once.then_some(0)).unwrap();
        if who != Who::Bob {
            return rotation::rotate(token, Rotator::Holder { generation }, overlap, None, at);
        }
        let value = self.vault.value(secret);
        let repeatable = Repeatable { presented: &value, key: &self.bobs_key };
        rotation::rotate(token, Rotator::Holder { generation }, overlap, Some(repeatable), at)
    }

    /// The row of a value that a rotation issues.
    pub fn issue(&self, token: &Token, who: Who, presented: Secret, rotation: &Rotation, at: Timestamp) -> Row {
        let generation = rotation.generation;
        let salted = who == Who::Bob;
        let secret = self.vault.issue(Issue { who, generation, presented }, || {
            if !salted {
                return vault::random(who, generation);
            }
            let salt = vault::salt(who, generation);
            derivation::derive(token, generation, &self.vault.value(presented), &salt, &self.bobs_key)
        });
        Row {
            generation,
            secret,
            created_at: at,
            first_used_at: None,
            replaced_at: None,
            retires_at: None,
            overlap_minutes: rotation.overlap_minutes,
            salted,
            by: who,
            presented,
            cancelled: false,
            stopped: false,
        }
    }

    /// Presents the newest value, and learns from the answer which values to keep.
    pub fn present(&self, world: &mut World, who: Who) -> Option<u32> {
        let answer = world.authenticate(self, world.person(who).newest, world.now);
        let person = world.person_mut(who);
        match answer {
            Ok(generation) => {
                person.fallback = None;
                Some(generation)
            }
            Err(Refusal::ValueRetired) => {
                person.newest = person.fallback.take().unwrap_or(person.newest);
                None
            }
            Err(_) => None,
        }
    }

    pub fn transact(&self, world: &mut World, who: Who, at: Timestamp) {
        let step = std::mem::replace(&mut world.person_mut(who).step, Step::Idle);
        let Step::Admitted { presented, .. } = step else { return };
        let token = world.token(self);
        match self.rotate(&token, who, &presented, at) {
            Err(_) => {}
            Ok(Plan::Repeat(value)) => {
                let received = self.vault.put(&value);
                let current = world.current();
                let wrong = current.secret != received || current.first_used_at.is_some();
                world.blame(wrong, Fault::RepeatedUsed);
                world.person_mut(who).step = Step::Committed { received, repeated: true };
            }
            Ok(Plan::Issue(rotation)) => {
                let issued = self.issue(&token, who, presented.secret, &rotation, at);
                world.cut_short |= presented.at_once;
                let decision = Decision { rotation, issued, revives: false };
                if self.lock {
                    self.write(world, who, &decision);
                } else {
                    world.person_mut(who).step = Step::Decided(decision);
                }
            }
        }
    }

    pub fn write(&self, world: &mut World, who: Who, decision: &Decision) {
        let (received, at) = (decision.issued.secret, decision.issued.created_at);
        world.person_mut(who).step = Step::Idle;
        if world.carry_out(self, decision) {
            let standing = lifecycle::standing(&world.token(self), decision.issued.generation, at);
            let works = standing == Ok(lifecycle::Standing::Current) && world.row_of(received).is_some();
            world.blame(!works, Fault::AnsweredDead);
            world.person_mut(who).step = Step::Committed { received, repeated: false };
        }
    }
}
