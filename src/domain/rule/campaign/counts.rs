//! How many tokens of a campaign are in each state.

use std::collections::BTreeMap;

use super::state::State;

/// How many tokens of a campaign are in each state. The total is their sum, by construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    by_state: BTreeMap<State, u64>,
    /// Of those that are not done: how many must not be revoked at the deadline.
    pub refused: u64,
}

impl Counts {
    /// Adds so many tokens with this state.
    pub fn add(&mut self, state: State, is_refused: bool, count: u64) {
        *self.by_state.entry(state).or_default() += count;
        if is_refused && !state.is_done() {
            self.refused += count;
        }
    }

    /// How many have this state.
    pub fn of(&self, state: State) -> u64 {
        self.by_state.get(&state).copied().unwrap_or_default()
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_state.values().sum()
    }

    /// Those with an old value that works, or would if they were resumed.
    pub fn left(&self) -> u64 {
        self.by_state.iter().filter(|(state, _)| !state.is_done()).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_the_sum_and_those_that_are_left_are_not_done() {
        let mut counts = Counts::default();
        for (number, state) in (1..).zip(State::ALL) {
            counts.add(*state, *state == State::Waiting || *state == State::Retired, number);
        }
        counts.add(State::Waiting, false, 10);
        assert_eq!(counts.total(), State::ALL.iter().map(|state| counts.of(*state)).sum::<u64>());
        assert_eq!((counts.total(), counts.left(), counts.refused, counts.of(State::Waiting)), (55, 20, 1, 11));
    }
}
