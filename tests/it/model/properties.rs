//! What must be true of every state, each by the number of the promise that it is a part of, and what must be true of some
//! state, because a promise about something that never happens is worth nothing.
//!
//! Clocks may step back. A promise about the end of something is judged by the latest moment that any clock has shown:
//! what has ended by then does not begin again.

use rotakey::domain::refusal::Refusal;
use rotakey::domain::rule::conflict_guard::CONFLICT_GUARD_SECONDS;
use rotakey::domain::rule::lifecycle::{self, Standing, Status};
use rotakey::domain::rule::rotation::{self, Overlap, Plan, Rotator};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::OverlapStart;
use stateright::Property;

use super::Lifecycle;
use super::revival;
use super::vault::Secret;
use super::world::{Fault, HONEST, Person, Presented, Row, START, Step, Who, World};

pub fn all(model: &Lifecycle) -> Vec<Property<Lifecycle>> {
    let mut all = vec![
        Property::always("R1: exactly one value is current", one_current),
        Property::always("R1: never more than two values work", at_most_two_work),
        Property::always("R2: no value outlives its token", none_outlives),
        Property::always("R2: death is final", death_is_final),
        Property::always("R2: the dead are not rotated", |_, world| faultless(world, Fault::RotatedDead)),
        Property::always("R5: nothing is cancelled within ten seconds", guard_holds),
        Property::always("R5: what was used is never cancelled", used_is_kept),
        Property::always("R5: after the first use the previous value cannot rotate", thief_cannot_follow),
        Property::always("R4: the first use begins the overlap at the latest", overlap_has_begun),
        Property::always("R5: the holder of the previous value gets a new one after the guard", recovery_is_possible),
        Property::always("R5: no honest client is locked out", no_client_is_locked_out),
        Property::always("R6: the same request gets the same answer until its first use", repeats),
        Property::always("R6: and not after the first use or the overlap", repeats_no_longer),
        Property::always("R6: only an unused current value has a salt", salts_are_erased),
        Property::always("R6: only that is answered again", |_, world| faultless(world, Fault::RepeatedUsed)),
        Property::always("R7: a generation is issued once", issued_once),
        Property::always("R7: no answer has a value that does not work", |_, world| {
            faultless(world, Fault::AnsweredDead)
        }),
        Property::sometimes("an honest client recovers from a lost answer", |_, world: &World| {
            world.rows.iter().any(|row| row.cancelled && row.by == Who::Alice) && world.current().by == Who::Alice
        }),
        Property::sometimes("the thief cancels an unused value", |_, world: &World| {
            world.rows.iter().any(|row| row.cancelled && row.by != Who::Thief) && world.current().by == Who::Thief
        }),
        Property::sometimes("an answer is repeated", |_, world: &World| {
            matches!(world.person(Who::Bob).step, Step::Committed { repeated: true, .. })
        }),
        Property::sometimes("a third value is issued during an overlap", |_, world: &World| {
            world.generation == 3 && world.rows[0].stopped && !world.rows[1].cancelled
        }),
    ];
    if model.lock {
        // The compare-and-set knows of rotations and uses. That no one ends the overlap which a recovery begins again is
        // the lock's part.
        all.extend([
            Property::always("R1: a value that was stopped never works again", stopped_for_good),
            Property::always("the rows are what the rules said", |_, world| faultless(world, Fault::RowsDisagree)),
        ]);
    } else {
        all.push(Property::sometimes("two decide on the same facts and one has won", |_, world: &World| {
            let too_late =
                |step: &Step| matches!(step, Step::Decided(it) if it.rotation.from_generation < world.generation);
            world.people.iter().any(|person| too_late(&person.step))
        }));
    }
    if model.revives {
        all.extend(revival::properties());
    }
    if model.suspends {
        all.extend([
            Property::always("R10: no value of a suspended token works", none_works_suspended),
            Property::sometimes("a suspension meets a rotation on its way", |_, world: &World| {
                let on_its_way = |step: &Step| matches!(step, Step::Admitted { .. } | Step::Decided(_));
                world.suspended && world.people.iter().any(|person| on_its_way(&person.step))
            }),
        ]);
    }
    if model.lock && model.born.settings.overlap_starts == OverlapStart::Rotation {
        // An overlap that begins with the first use ends after it, and so after the salt.
        all.push(Property::sometimes("a salt outlives its overlap until the sweep", |_, world: &World| {
            world.current().salted
                && !world.rows.iter().any(|row| row.replaced_at.is_some() && world.works(row, world.now))
        }));
    }
    all
}

fn faultless(world: &World, fault: Fault) -> bool {
    world.fault != Some(fault)
}

fn one_current(_: &Lifecycle, world: &World) -> bool {
    let mut current = world.rows.iter().filter(|row| row.replaced_at.is_none());
    current.next().is_some_and(|row| row.generation == world.generation) && current.next().is_none()
}

fn at_most_two_work(_: &Lifecycle, world: &World) -> bool {
    world.rows.iter().filter(|row| world.works(row, world.latest)).count() <= 2
}

fn stopped_for_good(_: &Lifecycle, world: &World) -> bool {
    !world.rows.iter().any(|row| row.stopped && world.works(row, START))
}

fn none_outlives(model: &Lifecycle, world: &World) -> bool {
    let Some(expires_at) = model.born.settings.expires_at else { return true };
    let token = world.token(model);
    let works = |row: &Row| lifecycle::standing(&token, row.generation, world.latest).is_ok();
    world.rows.iter().all(|row| {
        row.retires_at.is_none_or(|retires_at| retires_at <= expires_at) && (world.latest < expires_at || !works(row))
    })
}

fn death_is_final(model: &Lifecycle, world: &World) -> bool {
    let token = world.token(model);
    token.settings == model.born.settings && (!world.died || lifecycle::status(&token, world.latest).is_final())
}

fn none_works_suspended(model: &Lifecycle, world: &World) -> bool {
    let token = world.token(model);
    let works = |row: &Row| lifecycle::standing(&token, row.generation, world.now).is_ok();
    !world.suspended || !world.rows.iter().any(works)
}

fn guard_holds(_: &Lifecycle, world: &World) -> bool {
    world.rows.iter().filter(|row| row.cancelled).all(|row| {
        row.replaced_at.is_some_and(|replaced_at| row.created_at.plus_seconds(CONFLICT_GUARD_SECONDS) <= replaced_at)
    })
}

fn used_is_kept(_: &Lifecycle, world: &World) -> bool {
    faultless(world, Fault::CancelledUsed) && !world.rows.iter().any(|row| row.cancelled && row.first_used_at.is_some())
}

fn thief_cannot_follow(model: &Lifecycle, world: &World) -> bool {
    let (at, token) = (world.now, world.token(model));
    let follows = token.current.first_used_at.is_some() && lifecycle::overlap_lasts(&token, at);
    let Some(previous) = token.previous.as_ref().filter(|_| follows) else { return true };
    let rotator = Rotator::Holder { generation: previous.generation };
    let overlap = Overlap::of(&token.settings, None).unwrap();
    lifecycle::status(&token, at) != Status::Active
        || rotation::rotate(&token, rotator, overlap, None, at).err() == Some(Refusal::ValueSuperseded)
}

fn overlap_has_begun(model: &Lifecycle, world: &World) -> bool {
    let previous = world.token(model).previous;
    world.current().first_used_at.is_none() || previous.is_none_or(|value| value.retires_at.is_some())
}

/// Every value that a person knows.
fn known(person: &Person) -> impl Iterator<Item = Secret> {
    [Some(person.newest), person.fallback].into_iter().flatten()
}

/// Whether this value is the previous one at this moment, and the newer one unused.
fn may_recover(model: &Lifecycle, world: &World, secret: Secret, at: Timestamp) -> Option<u32> {
    let generation = world.row_of(secret)?.generation;
    let token = world.token(model);
    let previous = matches!(lifecycle::standing(&token, generation, at), Ok(Standing::Previous { .. }));
    (previous && token.current.first_used_at.is_none()).then_some(generation)
}

fn recovery_is_possible(model: &Lifecycle, world: &World) -> bool {
    let after_guard = world.latest.max(world.current().created_at.plus_seconds(CONFLICT_GUARD_SECONDS));
    HONEST.into_iter().flat_map(|who| known(world.person(who)).map(move |secret| (who, secret))).all(|(who, secret)| {
        let Some(generation) = may_recover(model, world, secret, after_guard) else { return true };
        let token = world.token(model);
        let presented = Presented { secret, generation, at_once: false };
        match model.rotate(&token, who, &presented, after_guard) {
            Err(_) => false,
            Ok(Plan::Repeat(value)) => model.vault.put(&value) == world.current().secret,
            Ok(Plan::Issue(rotation)) => {
                let issued = model.facts(&model.issue(&token, who, secret, &rotation, after_guard));
                let after = rotation::apply(token, &rotation, issued);
                lifecycle::standing(&after, rotation.generation, after_guard) == Ok(Standing::Current)
                    && lifecycle::standing(&after, generation, after_guard).is_ok()
            }
        }
    })
}

/// As long as the token lives, no thief has won a rotation and no one has cut an overlap short, the client holds the
/// current value, or can get one by the previous one; unless it has let the overlap pass without asking, which the
/// overlap from the first use does not know.
fn no_client_is_locked_out(model: &Lifecycle, world: &World) -> bool {
    let at = world.latest;
    let dead = lifecycle::status(&world.token(model), at) != Status::Active;
    if dead || world.cut_short || world.revived_from.is_some() || world.rows.iter().any(|row| row.by == Who::Thief) {
        return true;
    }
    let slept = |secret: Secret| {
        let row = world.row_of(secret);
        row.is_some_and(|row| row.retires_at.is_some_and(|retires_at| retires_at <= at) && !row.stopped)
            && model.born.settings.overlap_starts == OverlapStart::Rotation
            && world.current().first_used_at.is_none()
    };
    HONEST.into_iter().flat_map(|who| known(world.person(who))).any(|secret| {
        secret == world.current().secret || may_recover(model, world, secret, at).is_some() || slept(secret)
    })
}

/// What Bob gets if he repeats, now, the request that got him the current value.
fn repeated(model: &Lifecycle, world: &World) -> Option<Secret> {
    let current = world.current();
    let generation = world.row_of(current.presented)?.generation;
    let presented = Presented { secret: current.presented, generation, at_once: false };
    let token = world.token(model);
    match model.rotate(&token, Who::Bob, &presented, world.now) {
        Ok(Plan::Repeat(value)) => Some(model.vault.put(&value)),
        _ => None,
    }
}

fn is_bobs(world: &World) -> bool {
    world.generation > 1 && world.current().by == Who::Bob
}

fn repeats(model: &Lifecycle, world: &World) -> bool {
    let current = world.current();
    if !is_bobs(world) || may_recover(model, world, current.presented, world.latest).is_none() {
        return true;
    }
    repeated(model, world) == Some(current.secret)
}

fn repeats_no_longer(model: &Lifecycle, world: &World) -> bool {
    let overlap_lasts = world.row_of(world.current().presented).is_some_and(|row| world.works(row, world.now));
    let unused = world.current().first_used_at.is_none();
    !is_bobs(world) || (overlap_lasts && unused) || repeated(model, world).is_none()
}

fn salts_are_erased(_: &Lifecycle, world: &World) -> bool {
    world.rows.iter().all(|row| !row.salted || (row.replaced_at.is_none() && row.first_used_at.is_none()))
}

fn issued_once(_: &Lifecycle, world: &World) -> bool {
    let mut generations: Vec<u32> = world.rows.iter().map(|row| row.generation).collect();
    generations.sort_unstable();
    generations.windows(2).all(|pair| pair[0] != pair[1])
}
