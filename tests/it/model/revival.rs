//! R3 in the model: the token misses its rotation period, and an operator revives it.

use rotakey::domain::rule::lifecycle::{self, Status};
use rotakey::domain::rule::rotation::Plan;
use rotakey::domain::rule::rotation::revival::revive;
use rotakey::domain::token::OverlapStart;
use stateright::Property;

use super::Lifecycle;
use super::world::{Decision, Fault, Row, Step, Who, World};

const PERIOD_MINUTES: u32 = 1;
/// It ends after the expiry of the token.
const WINDOW_MINUTES: u32 = 1;

impl Lifecycle {
    /// A token with a rotation period, which an operator revives when it has missed it.
    pub fn with_revivals(overlap_starts: OverlapStart) -> Self {
        let mut model = Self { revives: true, ..Self::new(overlap_starts) };
        model.born.settings.rotation_period_minutes = Some(PERIOD_MINUTES);
        model
    }

    /// An operator revives the token. The answer, with the new value, goes to Alice, if she waits for none of her own.
    pub fn revive(&self, world: &mut World) {
        let (token, at) = (world.token(self), world.now);
        let Ok(Plan::Issue(rotation)) = revive(&token, WINDOW_MINUTES, None, at) else { return };
        let presented = world.current().secret;
        let issued = self.issue(&token, Who::Alice, presented, &rotation, at);
        let (received, revived_from) = (issued.secret, Some(world.generation));
        world.blame(lifecycle::status(&token, at) != Status::RotationOverdue, Fault::RotatedDead);
        if world.carry_out(self, &Decision { rotation, issued, revives: true }) {
            world.revived_from = revived_from;
            let alice = world.person_mut(Who::Alice);
            if alice.step == Step::Idle {
                alice.step = Step::Committed { received, repeated: false };
            }
        }
    }
}

pub fn properties() -> Vec<Property<Lifecycle>> {
    vec![
        Property::always("R3: no value of an overdue token works", none_works_overdue),
        Property::always("R3: no value from before a revival works after it", older_values_stay_dead),
        Property::sometimes("a token is revived", |_, world: &World| world.revived_from.is_some()),
        Property::sometimes("the value of a revival is used and rotated", |_, world: &World| {
            world.revived_from.is_some_and(|from| world.generation > from + 1)
        }),
        Property::sometimes("a revival meets a rotation on its way", |_, world: &World| {
            let on_its_way = |step: &Step| matches!(step, Step::Admitted { .. } | Step::Decided(_));
            world.revived_from.is_some() && world.people.iter().any(|person| on_its_way(&person.step))
        }),
    ]
}

fn none_works_overdue(model: &Lifecycle, world: &World) -> bool {
    let token = world.token(model);
    let works = |row: &Row| lifecycle::standing(&token, row.generation, world.now).is_ok();
    lifecycle::status(&token, world.now) != Status::RotationOverdue || !world.rows.iter().any(works)
}

fn older_values_stay_dead(model: &Lifecycle, world: &World) -> bool {
    let token = world.token(model);
    let works = |row: &Row| lifecycle::standing(&token, row.generation, world.now).is_ok();
    let Some(from) = world.revived_from else { return true };
    !world.rows.iter().any(|row| row.generation <= from && works(row))
}
