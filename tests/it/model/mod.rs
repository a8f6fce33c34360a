//! The lifecycle as a state machine, checked exhaustively: every order in which two workers of one client, a thief who
//! holds their first value, the clock and the failures of the network and of the server can meet, up to a few rotations.
//!
//! `world` is a state, `properties` says what must be true of every one, `request` how a rotation goes, and this file what
//! can happen. The rules are the real ones of `rotakey::domain`. A rotation takes the steps that it takes in `service`:
//! the value is accepted, the transaction decides and commits, the answer arrives; anything else may happen in between.

mod histories;
mod properties;
mod request;
mod revival;
mod silence;
mod vault;
mod world;

use stateright::{Checker, Expectation, HasDiscoveries, Model, Property};

use rotakey::domain::id::TokenId;
use rotakey::domain::rule::conflict_guard::CONFLICT_GUARD_SECONDS;
use rotakey::domain::rule::lifecycle::Status;
use rotakey::domain::rule::{lifecycle, suspension};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{Actor, OverlapStart, Settings, Token, ValueFacts};
use rotakey::domain::value::Hint;
use rotakey::domain::value::derivation::IdempotencyKey;

use vault::{Secret, Vault};
use world::{EVERYBODY, Presented, START, Step, Who, World};

/// What the model varies from check to check.
struct Lifecycle {
    /// The token as it was created.
    born: Token,
    vault: Vault,
    bobs_key: IdempotencyKey,
    /// Whether a transaction that decides holds the row until it commits, as it does on one database server. Without,
    /// two replicas decide on the same facts, and the compare-and-set alone stands between them.
    lock: bool,
    /// Whether a transaction may decide by a clock that was read before it waited for the row.
    late: bool,
    /// Whether the clock may step back, once, by a second.
    steps_back: bool,
    /// Whether an operator suspends the token and resumes it.
    suspends: bool,
    /// Whether an operator revives the token when it has missed its rotation period.
    revives: bool,
    /// How often the clock moves.
    moves: u8,
    /// How many values are issued.
    generations: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happening {
    /// Somebody presents their newest value.
    Use(Who),
    /// Somebody presents it to rotate; `at_once` asks for no overlap.
    AskToRotate {
        who: Who,
        at_once: bool,
    },
    /// The transaction of a request that was admitted, by a clock read now or before it waited for the row.
    Transact {
        who: Who,
        at: Timestamp,
    },
    /// The statements of a decision made without a lock.
    Write(Who),
    /// The answer arrives.
    Answer(Who),
    /// The server is killed before the commit, or the answer is lost after it.
    Fail(Who),
    EndOverlap,
    Revoke,
    Suspend,
    Resume,
    Revive,
    Sweep,
    Clock(Timestamp),
}

impl Lifecycle {
    fn new(overlap_starts: OverlapStart) -> Self {
        let vault = Vault::new();
        // Not the operator, by whom a rotation withholds the new value.
        let creator = Actor::ApiToken(TokenId::new(START, [1; 10]));
        let first = ValueFacts {
            generation: 1,
            hash: vault.hash(Secret::FIRST),
            hint: Hint::parse("hint").unwrap(),
            format: None,
            created_at: START,
            created_by: creator,
            first_used_at: None,
            last_used_at: None,
            replaced_at: None,
            retires_at: None,
            overlap_minutes: 0,
            brown_out: false,
            salt: None,
        };
        let settings = Settings {
            expires_at: Some(START.plus_seconds(100)),
            overlap_minutes: 1,
            overlap_starts,
            ..Settings::named("ci")
        };
        let born = Token {
            id: TokenId::new(START, [0; 10]),
            settings,
            created_at: START,
            created_by: creator,
            updated: None,
            last_used_at: None,
            revoked_at: None,
            suspended_at: None,
            current: first,
            previous: None,
        };
        let bobs_key = IdempotencyKey::parse("bob").unwrap();
        let (lock, late, steps_back, suspends, revives) = (true, false, false, false, false);
        Self { born, vault, bobs_key, lock, late, steps_back, suspends, revives, moves: 2, generations: 3 }
    }

    /// A second later, a second earlier, and straight to each moment at which something ends.
    fn clock(&self, world: &World) -> Vec<Timestamp> {
        let now = world.now;
        let current = world.current();
        let guard_ends = current.created_at.plus_seconds(CONFLICT_GUARD_SECONDS);
        let overlap_ends = world.rows.iter().filter(|row| world.works(row, now)).filter_map(|row| row.retires_at);
        let mut moments = vec![now.plus_seconds(1), guard_ends];
        moments.extend(
            overlap_ends.chain(self.born.settings.expires_at).chain(self.born.settings.rotate_by(current.created_at)),
        );
        moments.retain(|moment| *moment > now);
        if self.steps_back && !world.moved_back && now > START {
            moments.push(now.minus_seconds(1));
        }
        moments.sort();
        moments.dedup();
        moments
    }
}

impl Model for Lifecycle {
    type State = World;
    type Action = Happening;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.moves)]
    }

    fn actions(&self, world: &World, happenings: &mut Vec<Happening>) {
        if world.fault.is_some() {
            return;
        }
        // The end, but for what was begun before it.
        let dead = world.revoked_at.is_some() || (world.died && !self.steps_back);
        for who in EVERYBODY {
            match &world.person(who).step {
                Step::Committed { .. } | Step::Idle if dead => {}
                Step::Idle => {
                    happenings.extend([Happening::Use(who), Happening::AskToRotate { who, at_once: false }]);
                }
                Step::Admitted { at, .. } => {
                    happenings.extend([Happening::Fail(who), Happening::Transact { who, at: world.now }]);
                    if self.late && *at != world.now {
                        happenings.push(Happening::Transact { who, at: *at });
                    }
                }
                Step::Decided(_) => happenings.extend([Happening::Fail(who), Happening::Write(who)]),
                // To a thief, an answer that is lost is one that is ignored.
                Step::Committed { .. } if who == Who::Thief => happenings.push(Happening::Answer(who)),
                Step::Committed { .. } => happenings.extend([Happening::Fail(who), Happening::Answer(who)]),
            }
        }
        if dead {
            return;
        }
        if world.person(Who::Alice).step == Step::Idle {
            let at_once = Happening::AskToRotate { who: Who::Alice, at_once: true };
            happenings.extend([at_once, Happening::EndOverlap, Happening::Revoke]);
        }
        if self.suspends {
            happenings.push(if world.suspended { Happening::Resume } else { Happening::Suspend });
        }
        if self.revives {
            happenings.push(Happening::Revive);
        }
        happenings.push(Happening::Sweep);
        if world.moves > 0 {
            happenings.extend(self.clock(world).into_iter().map(Happening::Clock));
        }
    }

    fn next_state(&self, before: &World, happening: Happening) -> Option<World> {
        let mut world = before.clone();
        match happening {
            Happening::Use(who) => {
                self.present(&mut world, who);
            }
            Happening::AskToRotate { who, at_once } => {
                if let Some(generation) = self.present(&mut world, who) {
                    let (secret, at) = (world.person(who).newest, if self.late { world.now } else { START });
                    let presented = Presented { secret, generation, at_once };
                    world.person_mut(who).step = Step::Admitted { presented, at };
                }
            }
            Happening::Transact { who, at } => self.transact(&mut world, who, at),
            Happening::Write(who) => {
                if let Step::Decided(decision) = &before.person(who).step {
                    self.write(&mut world, who, decision);
                }
            }
            Happening::Answer(who) => {
                let person = world.person_mut(who);
                if let Step::Committed { received, .. } = std::mem::replace(&mut person.step, Step::Idle)
                    && person.newest != received
                {
                    person.fallback = Some(std::mem::replace(&mut person.newest, received));
                }
            }
            Happening::Fail(who) => world.person_mut(who).step = Step::Idle,
            Happening::EndOverlap => {
                self.present(&mut world, Who::Alice)?;
                world.end_overlap(self, before.now);
            }
            Happening::Revoke => {
                self.present(&mut world, Who::Alice)?;
                world.revoke(self, before.now);
            }
            Happening::Suspend => world.suspended |= suspension::suspend(&before.token(self), before.now) == Ok(true),
            Happening::Resume => world.suspended &= suspension::resume(&before.token(self), before.now) != Ok(true),
            Happening::Revive => self.revive(&mut world),
            Happening::Sweep => world.sweep(),
            Happening::Clock(moment) => {
                world.moves -= 1;
                world.moved_back |= moment < world.now;
                world.now = moment;
                world.latest = world.latest.max(moment);
            }
        }
        if matches!(happening, Happening::Clock(_) | Happening::Revoke) {
            let status = lifecycle::status(&world.token(self), world.latest);
            // A missed period is not: the token may be revived.
            world.died |= matches!(status, Status::Expired | Status::Revoked);
        }
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.rows.len() <= self.generations
    }
}

/// How many steps were taken, and to how many states.
#[derive(Clone, Copy, Debug, Default)]
struct Checked {
    states: usize,
    unique: usize,
}

impl std::ops::AddAssign for Checked {
    fn add_assign(&mut self, Self { states, unique }: Self) {
        self.states += states;
        self.unique += unique;
    }
}

/// Visits every state.
fn check_model<M>(model: M) -> Checked
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + std::fmt::Debug + std::hash::Hash + PartialEq + Send + Sync,
    M::Action: Clone + std::fmt::Debug + PartialEq + Send + Sync,
{
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = model.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    for property in checker.model().properties() {
        match (property.expectation, checker.discovery(property.name)) {
            (Expectation::Sometimes, None) => panic!("never happens: {}", property.name),
            (Expectation::Always, Some(path)) => {
                let world = path.last_state().clone();
                let steps: Vec<String> = path.into_actions().iter().map(|step| format!("  {step:?}")).collect();
                panic!("broken: {}\n{}\n{world:#?}", property.name, steps.join("\n"));
            }
            _ => {}
        }
    }
    Checked { states: checker.state_count(), unique: checker.unique_state_count() }
}

#[test]
#[expect(clippy::print_stdout, reason = "how much was checked is part of the result")]
fn whatever_happens_r1_r2_r3_r5_r6_and_r7_hold() {
    let mut visited = Checked::default();
    for starts in [OverlapStart::Rotation, OverlapStart::FirstUse] {
        let model = || Lifecycle::new(starts);
        for model in [
            Lifecycle { late: true, steps_back: true, ..model() },
            Lifecycle { moves: 3, ..model() },
            Lifecycle { generations: 4, ..model() },
            Lifecycle { suspends: true, moves: 1, ..model() },
            Lifecycle { lock: false, suspends: true, moves: 1, ..model() },
        ] {
            visited += check_model(model);
        }
        for lock in [true, false] {
            visited += check_model(Lifecycle { lock, ..Lifecycle::with_revivals(starts) });
        }
    }
    let (states, unique) = (thousands(visited.states), thousands(visited.unique));
    println!("model: {states} states visited ({unique} unique), all of R1 R2 R3 R5 R6 R7 hold");
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}
