//! One state of the model: the rows of a token as the database keeps them, a clock, and the people who hold its values.
//!
//! What may be done is asked of `rotakey::domain`; what the statements of `store` do to rows is done again here, on a
//! vector. Fields that no database has (who received what, what was cancelled) are there for the properties alone.

use rotakey::domain::refusal::Refusal;
use rotakey::domain::rule::lifecycle::{self, Retirement, Status};
use rotakey::domain::rule::rotation::{self, Rotation};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{Token, ValueFacts};

use super::{Lifecycle, vault::Secret};

/// The moment at which the token was created.
pub const START: Timestamp = Timestamp::MIN;

/// Who holds a value. `Alice` and `Bob` are two workers of one client; all three know the first value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Rotates without a key.
    Alice,
    /// Rotates with a key, and again with the same one.
    Bob,
    /// Has the first value, and no right to it.
    Thief,
}

pub const EVERYBODY: [Who; 3] = [Who::Alice, Who::Bob, Who::Thief];
pub const HONEST: [Who; 2] = [Who::Alice, Who::Bob];

/// A row of `api_token_value`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    pub generation: u32,
    pub secret: Secret,
    pub created_at: Timestamp,
    pub first_used_at: Option<Timestamp>,
    pub replaced_at: Option<Timestamp>,
    pub retires_at: Option<Timestamp>,
    pub overlap_minutes: u32,
    pub salted: bool,
    /// Whose rotation issued it.
    pub by: Who,
    /// What they presented for it.
    pub presented: Secret,
    /// It was replaced by a rotation of the value before it (R5).
    pub cancelled: bool,
    /// An answer said that it no longer works.
    pub stopped: bool,
}

/// A person, with the values that they received and how far their request is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Person {
    pub newest: Secret,
    /// The value before, which is kept until the newest one has been accepted once.
    pub fallback: Option<Secret>,
    pub step: Step,
}

/// How far a request to rotate is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Idle,
    /// The presented value was accepted, `at` this moment; the transaction has not begun.
    Admitted {
        presented: Presented,
        at: Timestamp,
    },
    /// Without a lock: decided on facts that may have changed since.
    Decided(Decision),
    /// Durable, and the answer is on its way.
    Committed {
        received: Secret,
        repeated: bool,
    },
}

/// What a request to rotate presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Presented {
    pub secret: Secret,
    pub generation: u32,
    /// Whether no overlap is asked for.
    pub at_once: bool,
}

/// A rotation about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub rotation: Rotation,
    pub issued: Row,
    pub revives: bool,
}

impl std::hash::Hash for Decision {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // The rotation has no hash of its own; these distinguish any two of them.
        (self.rotation.from_generation, self.rotation.recovers).hash(state);
        self.rotation.previous.map(|previous| (previous.generation, previous.retires_at)).hash(state);
        self.issued.hash(state);
    }
}

/// What went wrong in a step, where the state after it no longer shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// R2: a dead token was rotated.
    RotatedDead,
    /// R5: a value that had been used was cancelled.
    CancelledUsed,
    /// R6: an answer was repeated that is not that of the current, unused value.
    RepeatedUsed,
    /// R7: an answer had a value that did not work when it was issued.
    AnsweredDead,
    /// What the rules say of the token after a change is not what the rows say.
    RowsDisagree,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub now: Timestamp,
    /// The latest moment that any clock has shown.
    pub latest: Timestamp,
    pub moves: u8,
    pub moved_back: bool,
    /// `api_token.generation`.
    pub generation: u32,
    /// `api_token.previous_generation`.
    pub previous_generation: Option<u32>,
    pub revoked_at: Option<Timestamp>,
    /// Whether there is a `suspended_at`; no rule reads which.
    pub suspended: bool,
    pub rows: Vec<Row>,
    pub people: [Person; 3],
    /// The generation that was current when the token was revived last.
    pub revived_from: Option<u32>,
    /// Somebody ended an overlap, or asked for none.
    pub cut_short: bool,
    /// Some clock has seen the token dead.
    pub died: bool,
    pub fault: Option<Fault>,
}

impl World {
    pub fn new(moves: u8) -> Self {
        let first = Row {
            generation: 1,
            secret: Secret::FIRST,
            created_at: START,
            first_used_at: Some(START),
            replaced_at: None,
            retires_at: None,
            overlap_minutes: 0,
            salted: false,
            by: Who::Alice,
            presented: Secret::FIRST,
            cancelled: false,
            stopped: false,
        };
        let person = Person { newest: Secret::FIRST, fallback: None, step: Step::Idle };
        Self {
            now: START,
            latest: START,
            moves,
            moved_back: false,
            generation: 1,
            previous_generation: None,
            revoked_at: None,
            suspended: false,
            rows: vec![first],
            people: [person.clone(), person.clone(), person],
            revived_from: None,
            cut_short: false,
            died: false,
            fault: None,
        }
    }

    pub fn person(&self, who: Who) -> &Person {
        &self.people[who as usize]
    }

    pub fn person_mut(&mut self, who: Who) -> &mut Person {
        &mut self.people[who as usize]
    }

    pub fn row_of(&self, secret: Secret) -> Option<&Row> {
        self.rows.iter().find(|row| row.secret == secret)
    }

    pub fn current(&self) -> &Row {
        self.rows.iter().find(|row| row.generation == self.generation).unwrap()
    }

    /// Whether a value works as far as its own clock goes: it is the current one, or the previous one in its overlap.
    pub fn works(&self, row: &Row, at: Timestamp) -> bool {
        let lasts = row.retires_at.is_none_or(|retires_at| at < retires_at);
        row.generation == self.generation || self.previous_generation == Some(row.generation) && lasts
    }

    /// The token as the store reads it, whatever any clock says.
    pub fn token(&self, model: &Lifecycle) -> Token {
        let previous = self.rows.iter().find(|row| self.previous_generation == Some(row.generation));
        Token {
            revoked_at: self.revoked_at,
            suspended_at: self.suspended.then_some(START),
            current: model.facts(self.current()),
            previous: previous.map(|row| Box::new(model.facts(row))),
            ..model.born.clone()
        }
    }

    /// Somebody presents a value: it is looked up, and its first use is made durable.
    pub fn authenticate(&mut self, model: &Lifecycle, secret: Secret, at: Timestamp) -> Result<u32, Refusal> {
        // A text that no row knows is refused before any rule is asked.
        let generation = self.row_of(secret).ok_or(Refusal::ValueRetired)?.generation;
        let token = self.token(model);
        lifecycle::standing(&token, generation, at)?;
        if token.value(generation).is_some_and(|value| value.first_used_at.is_none()) {
            match lifecycle::overlap_begun_by_use(&token, generation, at) {
                Some(Some(retirement)) => self.retire(retirement),
                Some(None) => self.drop_previous(),
                None => {}
            }
            let row = self.rows.iter_mut().find(|row| row.generation == generation).unwrap();
            row.first_used_at = Some(at);
            row.salted = false;
            self.agrees(model, lifecycle::apply_use(token, generation, at));
        }
        Ok(generation)
    }

    /// The statements of a rotation. `false`: the facts that it was decided on are no longer true, and nothing was written.
    pub fn carry_out(&mut self, model: &Lifecycle, decision: &Decision) -> bool {
        let Decision { rotation, issued, revives } = decision;
        let at = issued.created_at;
        let before = self.token(model);
        let presented = self.row_of(issued.presented).map(|row| row.generation);
        // A rotation that was decided under the lock has seen a suspension; for any other, it is a condition.
        if self.generation != rotation.from_generation || self.revoked_at.is_some() || self.suspended {
            return false;
        }
        let Some(row) = self.rows.iter_mut().find(|row| row.generation == rotation.from_generation) else {
            return false;
        };
        if rotation.recovers && row.first_used_at.is_some() {
            return false;
        }
        row.replaced_at = Some(at);
        row.retires_at = Some(at);
        row.salted = false;
        row.cancelled = presented != Some(row.generation);
        let cancelled_used = row.cancelled && row.first_used_at.is_some();
        self.generation = rotation.generation;
        self.rows.push(issued.clone());
        self.previous_generation = rotation.previous.map(|previous| previous.generation);
        if let Some(previous) = rotation.previous {
            self.retire(previous);
        }
        self.mark_stopped();

        self.blame(cancelled_used, Fault::CancelledUsed);
        self.blame(lifecycle::status(&before, at) != Status::Active && !revives, Fault::RotatedDead);
        self.agrees(model, rotation::apply(before, rotation, model.facts(issued)));
        true
    }

    /// Sets the moment at which the previous value stops working.
    fn retire(&mut self, retirement: Retirement) {
        for row in self.rows.iter_mut().filter(|row| row.generation == retirement.generation) {
            row.retires_at = retirement.retires_at;
        }
    }

    /// The previous value stops at once.
    fn drop_previous(&mut self) {
        self.previous_generation = None;
        self.mark_stopped();
    }

    fn mark_stopped(&mut self) {
        let kept = [Some(self.generation), self.previous_generation];
        for row in self.rows.iter_mut().filter(|row| !kept.contains(&Some(row.generation))) {
            row.stopped = true;
        }
    }

    /// The previous value stops now. `false`: there was none.
    pub fn end_overlap(&mut self, model: &Lifecycle, at: Timestamp) -> bool {
        let mut token = self.token(model);
        if !lifecycle::overlap_lasts(&token, at) {
            return false;
        }
        self.drop_previous();
        for row in self.rows.iter_mut().filter(|row| row.generation == token.current.generation) {
            row.salted = false;
        }
        self.cut_short = true;
        token.previous = None;
        token.current.salt = None;
        self.agrees(model, token);
        true
    }

    pub fn revoke(&mut self, model: &Lifecycle, at: Timestamp) {
        if lifecycle::revoke(&self.token(model)) == Ok(true) {
            self.revoked_at = Some(at);
        }
    }

    /// Housekeeping: forgets every salt whose overlap is over.
    pub fn sweep(&mut self) {
        let now = self.now;
        if !self.rows.iter().any(|row| row.replaced_at.is_some() && self.works(row, now)) {
            self.rows.iter_mut().for_each(|row| row.salted = false);
        }
    }

    pub fn blame(&mut self, guilty: bool, fault: Fault) {
        if guilty {
            self.fault.get_or_insert(fault);
        }
    }

    /// The answer to a change describes the token by the rules; the next request will read it from the rows.
    fn agrees(&mut self, model: &Lifecycle, received: Token) {
        self.blame(Token { last_used_at: None, ..received } != self.token(model), Fault::RowsDisagree);
    }
}

impl Lifecycle {
    pub fn facts(&self, row: &Row) -> ValueFacts {
        ValueFacts {
            generation: row.generation,
            hash: self.vault.hash(row.secret),
            hint: self.born.current.hint,
            format: None,
            created_at: row.created_at,
            created_by: self.born.created_by,
            first_used_at: row.first_used_at,
            last_used_at: None,
            replaced_at: row.replaced_at,
            retires_at: row.retires_at,
            overlap_minutes: row.overlap_minutes,
            brown_out: false,
            salt: row.salted.then(|| super::vault::salt(row.by, row.generation)),
        }
    }
}
