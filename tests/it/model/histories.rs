//! Walks through the model, recorded as clients would see them: the check of histories accepts each of them.

use std::collections::HashMap;
use std::time::Duration;

use stateright::Model;

use rotakey::domain::refusal::Refusal;
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::OverlapStart;

use super::vault::Secret;
use super::world::{EVERYBODY, Presented, START, Step, Who, World};
use super::{Happening, Lifecycle};
use crate::history::check::{Limits, check};
use crate::history::{Call, Header, History, Kind, Life, Outcome, OverlapStarts};

const WALKS: u64 = 3_000;
const STEPS: usize = 80;
const LIMITS: Limits =
    Limits { propagation: Duration::ZERO, clock_slack: Duration::from_secs(1), clock_set_back: false };

/// What was recorded on one walk.
struct Recording<'a> {
    model: &'a Lifecycle,
    calls: Vec<Call>,
    /// The rotations that are on their way: when they were sent, and what they present.
    sent: HashMap<usize, (u64, Presented)>,
    steps: u64,
}

impl Recording<'_> {
    /// A moment within that of the model, after all before it.
    fn moment(&self, world: &World) -> u64 {
        u64::try_from(millis(world.now) * 1_000).unwrap() + self.steps * 10
    }

    fn record(&mut self, world: &World, kind: Kind, who: Who, begin: u64) -> &mut Call {
        let end_micros = self.moment(world) + 1;
        self.calls.push(Call {
            call: kind,
            client: format!("{who:?}"),
            replica: None,
            token: "tok_1".to_owned(),
            presented: None,
            idempotency_key: None,
            overlap_minutes: None,
            issued_before_millis: None,
            begin_micros: begin,
            end_micros,
            outcome: Outcome::Ok,
            code: None,
            issued: None,
            generation: None,
            life: None,
        });
        self.calls.last_mut().unwrap()
    }

    /// The end of a rotation.
    fn rotation(&mut self, world: &World, who: Who) -> &mut Call {
        let (begin, presented) = self.sent.remove(&(who as usize)).unwrap();
        let call = self.record(world, Kind::Rotate, who, begin);
        call.presented = Some(digest(presented.secret));
        call.overlap_minutes = presented.at_once.then_some(0);
        call.idempotency_key = (who == Who::Bob).then(|| "bob".to_owned());
        call
    }

    /// What a client sees of a step from one world to the next.
    fn see(&mut self, before: &World, happening: Happening, after: &World) {
        self.steps += 1;
        let begin = self.moment(before);
        match happening {
            Happening::Use(who) | Happening::AskToRotate { who, .. } => {
                let secret = before.person(who).newest;
                let answer = before.clone().authenticate(self.model, secret, before.now);
                let asks = matches!(happening, Happening::AskToRotate { .. });
                if let (true, Step::Admitted { presented, .. }) = (asks, &after.person(who).step) {
                    self.sent.insert(who as usize, (begin, *presented));
                    return;
                }
                let kind = if asks { Kind::Rotate } else { Kind::Verify };
                let call = self.record(before, kind, who, begin);
                call.presented = Some(digest(secret));
                call.idempotency_key = (asks && who == Who::Bob).then(|| "bob".to_owned());
                if let Err(refusal) = answer {
                    refuse(call, &refusal);
                }
            }
            Happening::Transact { who, at } => {
                let Step::Admitted { presented, .. } = before.person(who).step else { return };
                if after.person(who).step == Step::Idle {
                    let decided = self.model.rotate(&before.token(self.model), who, &presented, at);
                    let call = self.rotation(before, who);
                    // Decided well, but another was faster.
                    refuse(call, &decided.err().unwrap_or(Refusal::RotationConflict { retry_after_seconds: 1 }));
                }
            }
            Happening::Answer(who) => {
                let Step::Committed { received, .. } = before.person(who).step else { return };
                let life = self.life(before, received);
                let call = self.rotation(before, who);
                call.issued = Some(digest(received));
                call.generation = before.row_of(received).map(|row| row.generation);
                call.life = life;
            }
            Happening::Fail(who) => self.rotation(before, who).outcome = Outcome::Unknown,
            Happening::EndOverlap | Happening::Revoke => {
                let kind = if happening == Happening::Revoke { Kind::Revoke } else { Kind::EndOverlap };
                self.record(before, kind, Who::Alice, begin).presented = Some(digest(before.person(Who::Alice).newest));
            }
            Happening::Write(_) | Happening::Sweep | Happening::Clock(_) => {}
            Happening::Suspend | Happening::Resume | Happening::Revive => {
                unreachable!("the histories have no such call")
            }
        }
    }

    fn life(&self, world: &World, secret: Secret) -> Option<Life> {
        let starts = self.model.born.settings.overlap_starts;
        let first_use = starts == OverlapStart::FirstUse;
        Some(Life {
            issued_at_millis: millis(world.row_of(secret)?.created_at),
            expires_at_millis: self.model.born.settings.expires_at.map(millis),
            rotation_period_minutes: None,
            rotate_by_millis: None,
            overlap_minutes: self.model.born.settings.overlap_minutes,
            overlap_starts: if first_use { OverlapStarts::FirstUse } else { OverlapStarts::Rotation },
            on_reuse: None,
        })
    }
}

fn millis(moment: Timestamp) -> i64 {
    moment.unix_millis() - START.unix_millis()
}

fn digest(secret: Secret) -> String {
    format!("{secret:?}")
}

fn refuse(call: &mut Call, refusal: &Refusal) {
    let code = match refusal {
        Refusal::ValueRetired => "VALUE_RETIRED",
        Refusal::ValueSuperseded => "VALUE_SUPERSEDED",
        Refusal::TokenRevoked => "TOKEN_REVOKED",
        Refusal::TokenExpired => "TOKEN_EXPIRED",
        Refusal::RotationConflict { .. } => "ROTATION_CONFLICT",
        Refusal::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
        other => panic!("the model never refuses so: {other:?}"),
    };
    (call.outcome, call.code) = (Outcome::Refused, Some(code.to_owned()));
}

/// The calls of a walk that chance chooses.
fn walk(model: &Lifecycle, seed: u64) -> Vec<Call> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut world = model.init_states().remove(0);
    let mut recording = Recording { model, calls: Vec::new(), sent: HashMap::new(), steps: 0 };
    let life = recording.life(&world, Secret::FIRST);
    let creation = recording.record(&world, Kind::Create, Who::Alice, 0);
    (creation.issued, creation.generation, creation.life) = (Some(digest(Secret::FIRST)), Some(1), life);
    for _ in 0..STEPS {
        let mut happenings = Vec::new();
        model.actions(&world, &mut happenings);
        let Some(happening) = random.choice(happenings) else { break };
        // Most ends come too early to see much.
        if matches!(happening, Happening::Revoke | Happening::Clock(_)) && random.u8(0..8) > 0 {
            continue;
        }
        let Some(next) = model.next_state(&world, happening) else { continue };
        recording.see(&world, happening, &next);
        world = next;
        assert_eq!(world.fault, None, "walk {seed}");
    }
    for who in EVERYBODY {
        if recording.sent.contains_key(&(who as usize)) {
            recording.rotation(&world, who).outcome = Outcome::Unknown;
        }
    }
    recording.calls
}

#[test]
fn every_history_of_the_model_is_accepted_and_none_with_a_second_winner() {
    let mut refused = 0;
    for seed in 0..WALKS {
        let starts = if seed % 2 == 0 { OverlapStart::Rotation } else { OverlapStart::FirstUse };
        let model = Lifecycle { moves: 6, generations: 8, ..Lifecycle::new(starts) };
        let mut calls = walk(&model, seed);
        let history = |calls: &[Call]| History { header: Header::new(0), calls: calls.to_vec() };
        let found = check(&history(&calls), LIMITS);
        assert!(found.is_empty(), "walk {seed}: {found:#?}\n{calls:#?}");
        let won = calls.iter().find(|call| call.call == Kind::Rotate && call.issued.is_some());
        if let Some(won) = won.cloned() {
            calls.push(Call { issued: Some("another".to_owned()), ..won });
            assert!(!check(&history(&calls), LIMITS).is_empty(), "walk {seed}");
            refused += 1;
        }
    }
    assert!(refused > WALKS / 4, "hardly any walk rotates: {refused}");
}
