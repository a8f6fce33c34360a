//! R15 as a state machine, checked exhaustively: clients that present both values at two replicas, which write what they saw at most a
//! minute late; operators who cut off values, forced or not; housekeeping, and the clock. The rules are those of `rotakey::domain`.

mod world;

use rotakey::domain::id::TokenId;
use rotakey::domain::rule::lifecycle;
use rotakey::domain::rule::lifecycle::silence::{is_silent, retires_silent_at};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{OverlapEnd, OverlapStart, Settings, Token};
use stateright::{Model, Property};

use world::{Fault, Replica, Seen, World, value};

use super::{Checked, check_model, thousands};

const START: Timestamp = Timestamp::MIN;
const OVERLAP_MINUTES: u32 = 4;
const SILENT_MINUTES: u32 = 1;
const LIFE_MINUTES: u32 = 8;
/// How late a replica writes what it saw (R14).
const WRITTEN_AFTER_MINUTES: u32 = 1;

struct Silence {
    starts: OverlapStart,
    ends: OverlapEnd,
    moves: u8,
    /// How often a value is presented.
    uses: usize,
    generations: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Event {
    Present { generation: u32, at: Replica },
    Write(Replica),
    EndOverlap { force: bool },
    RotateAtOnce { force: bool },
    Rotate,
    Sweep,
    Clock(Timestamp),
}

impl Model for Silence {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        let settings = Settings {
            expires_at: Some(START.plus_minutes(LIFE_MINUTES)),
            overlap_minutes: OVERLAP_MINUTES,
            overlap_starts: self.starts,
            overlap_ends: self.ends,
            silent_minutes: SILENT_MINUTES,
            ..Settings::named("ci")
        };
        let current = value(1, START);
        let token = Token {
            id: TokenId::new(START, [0; 10]),
            settings,
            created_at: START,
            created_by: current.created_by,
            updated: None,
            last_used_at: None,
            revoked_at: None,
            suspended_at: None,
            current,
            previous: None,
        };
        let (uses, refused) = (Vec::new(), Vec::new());
        vec![World { now: START, moves: self.moves, token, uses, refused, fault: None, seen: None }]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        if world.fault.is_some() {
            return;
        }
        if world.uses.len() < self.uses {
            let replicas = [Replica::Here, Replica::There];
            let generations = 1..=world.token.current.generation;
            events.extend(generations.flat_map(|generation| replicas.map(|at| Event::Present { generation, at })));
        }
        events.extend([Replica::Here, Replica::There].map(Event::Write));
        events.extend([false, true].map(|force| Event::EndOverlap { force }));
        if world.token.current.generation < self.generations {
            events.extend([Event::RotateAtOnce { force: false }, Event::RotateAtOnce { force: true }, Event::Rotate]);
        }
        events.push(Event::Sweep);
        if world.moves == 0 {
            return;
        }
        let views = [Replica::Here, Replica::There].map(|replica| world.known(replica));
        let silences = views.iter().filter_map(retires_silent_at);
        let uses = world.uses.iter().map(|used| used.at.plus_minutes(SILENT_MINUTES));
        let limits = world.token.previous.iter().filter_map(|value| value.retires_at);
        let mut moments: Vec<Timestamp> = silences.chain(uses).chain(limits).collect();
        moments.extend([world.now.plus_seconds(30), START.plus_minutes(LIFE_MINUTES)]);
        let unwritten = world.uses.iter().filter(|used| !used.written).map(|used| used.at).min();
        let must_write = unwritten.map_or(Timestamp::MAX, |first| first.plus_minutes(WRITTEN_AFTER_MINUTES));
        moments.retain(|moment| *moment > world.now && *moment <= must_write);
        moments.sort();
        moments.dedup();
        events.extend(moments.into_iter().map(Event::Clock));
    }

    fn next_state(&self, before: &World, event: Event) -> Option<World> {
        let mut world = World { seen: None, ..before.clone() };
        match event {
            Event::Present { generation, at } => world.present(generation, at),
            Event::Write(replica) => {
                let own = world.uses.iter_mut().filter(|used| used.there == (replica == Replica::There));
                own.for_each(|used| used.written = true);
                world.uses.sort();
            }
            Event::EndOverlap { force } => {
                let previous =
                    world.token.previous.as_ref().filter(|_| lifecycle::overlap_lasts(&world.token, world.now));
                let generation = previous.map(|value| value.generation)?;
                if world.may_cut_off(generation, force) {
                    world.token.previous = None;
                }
            }
            Event::RotateAtOnce { force } => world.rotate(Some(0), force),
            Event::Rotate => world.rotate(None, false),
            Event::Sweep => {
                let known = world.known(Replica::Here);
                let lasts = lifecycle::overlap_lasts(&known, world.now);
                if lasts && is_silent(&known, world.now) {
                    world.retire_silent(Replica::Here, Seen::RetiredBySweep);
                }
            }
            Event::Clock(moment) => {
                world.moves -= 1;
                world.now = moment;
            }
        }
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn none(world: &World, fault: Fault) -> bool {
            world.fault != Some(fault)
        }
        fn saw(world: &World, seen: Seen) -> bool {
            world.seen == Some(seen)
        }
        let mut all = vec![
            Property::always("R15: a value that was refused is never accepted", |_, world| {
                none(world, Fault::AcceptedAfterRefusal)
            }),
            Property::always("R4: no value is accepted after its limit", |_, world| {
                none(world, Fault::AcceptedAfterLimit)
            }),
            Property::always("R15: no value in use is cut off unforced", |_, world| none(world, Fault::CutOffInUse)),
            Property::always("R15: no value retires by silence that was in use", |_, world| {
                none(world, Fault::RetiredInUse)
            }),
            Property::always("R5: nor before the new one was used", |_, world| {
                none(world, Fault::RetiredBeforeFirstUse)
            }),
            Property::sometimes("a value in use is not cut off", |_, world| saw(world, Seen::Refused)),
            Property::sometimes("a silent value is cut off", |_, world| saw(world, Seen::Passed)),
            Property::sometimes("a value in use is cut off by force", |_, world| saw(world, Seen::Forced)),
        ];
        if self.ends == OverlapEnd::WhenSilent {
            all.extend([
                Property::sometimes("a value retires when it is presented", |_, world| {
                    saw(world, Seen::RetiredAtPresentation)
                }),
                Property::sometimes("a value retires by itself", |_, world| saw(world, Seen::RetiredBySweep)),
                Property::sometimes("a use after the silence becomes known late", |_, world| {
                    saw(world, Seen::UsedAfterSilence)
                }),
            ]);
        }
        all
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "how much was checked is part of the result")]
fn whatever_happens_r15_holds() {
    let mut visited = Checked::default();
    let (rotation, first_use) = (OverlapStart::Rotation, OverlapStart::FirstUse);
    let (on_time, when_silent) = (OverlapEnd::OnTime, OverlapEnd::WhenSilent);
    // To be used without that being known, a value must have been used before: its first use is written at once.
    for (starts, ends, moves, uses, generations) in [
        (rotation, when_silent, 3, 3, 2),
        (first_use, when_silent, 3, 3, 2),
        (rotation, when_silent, 2, 3, 3),
        (first_use, on_time, 3, 2, 3),
    ] {
        visited += check_model(Silence { starts, ends, moves, uses, generations });
    }
    println!("model: {} states visited ({} unique), R15 holds", thousands(visited.states), thousands(visited.unique));
}
