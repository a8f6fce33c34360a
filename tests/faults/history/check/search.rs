//! The search for an order of all calls about a token (linearizability; Wing and Gong 1993, Lowe 2017).
//!
//! A call that is answered must come before every call that began after its end. So the next call is always one that began before
//! the first of the remaining ones ended.

use std::collections::HashSet;

use super::calls::{Effect, Step, TokenCalls};
use super::state::{Span, State};
use super::violation::{Reason, Violation};

/// How many states are tried before the search is given up.
const MAX_STATES: usize = 2_000_000;

/// How far an order has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Prefix {
    /// All answered calls before this one are in the order.
    next: usize,
    /// And these beyond it.
    beyond: Vec<usize>,
    /// The calls without an answer that are in the order, as far as they could happen once more.
    taken: Vec<usize>,
    state: State,
}

/// Why the longest order that was found does not go on.
struct Obstacle {
    length: usize,
    reason: Reason,
    call: usize,
}

struct Search<'a> {
    calls: &'a TokenCalls<'a>,
    seen: HashSet<Prefix>,
    /// Prefixes to try, the last one first, each with the earliest moment of the next call.
    open: Vec<(Prefix, i64)>,
    obstacle: Obstacle,
}

/// Finds an order, or says why there is none.
pub fn find_order(calls: &TokenCalls<'_>) -> Result<(), Violation> {
    let start = Prefix { next: 0, beyond: Vec::new(), taken: Vec::new(), state: State::born(calls) };
    let obstacle = Obstacle { length: 0, reason: Reason::Undecided, call: calls.created.call };
    let mut search = Search { calls, seen: HashSet::new(), open: vec![(start, calls.created.begin)], obstacle };
    while let Some((prefix, earliest)) = search.open.pop() {
        if search.seen.len() > MAX_STATES {
            return Err(Violation::of(Reason::Undecided, calls.token, &[search.obstacle.call]));
        }
        let prefix = search.take_what_changes_nothing(prefix, earliest);
        if prefix.next == calls.answered.len() {
            return Ok(());
        }
        if search.seen.insert(prefix.clone()) {
            search.branch(&prefix, earliest);
        }
    }
    Err(Violation::of(search.obstacle.reason, calls.token, &[search.obstacle.call]))
}

impl Search<'_> {
    /// The calls that may be next, those that ended first before the others, and the moment before which one must take effect.
    fn candidates(&self, prefix: &Prefix) -> (Vec<usize>, i64) {
        let (mut candidates, mut first_end) = (Vec::new(), i64::MAX);
        for (index, step) in self.calls.answered.iter().enumerate().skip(prefix.next) {
            if step.begin > first_end {
                break;
            }
            if prefix.beyond.binary_search(&index).is_err() {
                first_end = first_end.min(step.end);
                candidates.push(index);
            }
        }
        candidates.retain(|index| self.calls.answered[*index].begin <= first_end);
        candidates.sort_by_key(|index| self.calls.answered[*index].end);
        (candidates, first_end)
    }

    /// Takes every call that may be next and leaves the state as it is: whatever comes after it could come before it.
    fn take_what_changes_nothing(&self, mut prefix: Prefix, earliest: i64) -> Prefix {
        loop {
            let (candidates, latest) = self.candidates(&prefix);
            let mut taken = false;
            for index in candidates {
                let step = &self.calls.answered[index];
                let at = Span { earliest: earliest.max(step.begin), latest };
                let reads = matches!(step.effect, Effect::Verified { .. } | Effect::Refused { .. });
                if reads && prefix.state.after(self.calls, step, at).as_ref() == Ok(&prefix.state) {
                    prefix.take(index);
                    taken = true;
                }
            }
            if !taken {
                return prefix;
            }
        }
    }

    /// Opens every prefix that is one call longer.
    fn branch(&mut self, prefix: &Prefix, earliest: i64) {
        let (candidates, latest) = self.candidates(prefix);
        let mut longer = Vec::new();
        for (rank, index) in candidates.into_iter().enumerate() {
            let step = &self.calls.answered[index];
            if let Some((state, earliest)) = self.otherwise_after(prefix, step, earliest, latest) {
                let mut next = Prefix { state, ..prefix.clone() };
                next.take(index);
                next.forget(self.calls);
                longer.push((next, earliest));
            }
            match self.after(prefix, step, earliest, latest) {
                Ok((state, earliest)) => {
                    let mut next = Prefix { state, ..prefix.clone() };
                    next.take(index);
                    next.forget(self.calls);
                    longer.push((next, earliest));
                }
                Err(reason) if rank == 0 => self.note(prefix, reason, step.call),
                Err(_) => {}
            }
        }
        for (index, step) in self.calls.unanswered.iter().enumerate().take_while(|(_, step)| step.begin <= latest) {
            if prefix.taken.contains(&index) || !prefix.state.admits(step) {
                continue;
            }
            let after = self.after(prefix, step, earliest, latest).ok();
            for (state, earliest) in after.into_iter().chain(self.otherwise_after(prefix, step, earliest, latest)) {
                let mut next = Prefix { state, ..prefix.clone() };
                next.taken.push(index);
                next.forget(self.calls);
                longer.push((next, earliest));
            }
        }
        // The most likely one is tried first.
        self.open.extend(longer.into_iter().rev());
    }

    fn after(&self, prefix: &Prefix, step: &Step<'_>, earliest: i64, latest: i64) -> Result<(State, i64), Reason> {
        let at = Span { earliest: earliest.max(step.begin), latest };
        prefix.state.after(self.calls, step, at).map(|state| (state, at.earliest))
    }

    fn otherwise_after(&self, prefix: &Prefix, step: &Step<'_>, earliest: i64, latest: i64) -> Option<(State, i64)> {
        let at = Span { earliest: earliest.max(step.begin), latest };
        prefix.state.otherwise_after(self.calls, step, at).map(|state| (state, at.earliest))
    }

    fn note(&mut self, prefix: &Prefix, reason: Reason, call: usize) {
        let length = prefix.next + prefix.beyond.len();
        // Another order may be as long and end at what is wrong, and not at what has not happened in it.
        let vague =
            [Reason::Undecided, Reason::GenerationSkipped, Reason::NotYetIssued].contains(&self.obstacle.reason);
        if length > self.obstacle.length || length == self.obstacle.length && vague {
            self.obstacle = Obstacle { length, reason, call };
        }
    }
}

impl Prefix {
    fn take(&mut self, index: usize) {
        if index != self.next {
            let at = self.beyond.binary_search(&index).unwrap_or_else(|at| at);
            self.beyond.insert(at, index);
            return;
        }
        self.next += 1;
        while self.beyond.first() == Some(&self.next) {
            self.beyond.remove(0);
            self.next += 1;
        }
    }

    /// Forgets calls that cannot happen any more, so that equal states are seen to be equal.
    fn forget(&mut self, calls: &TokenCalls<'_>) {
        let state = &self.state;
        self.taken.retain(|index| state.admits(&calls.unanswered[*index]));
        self.taken.sort_unstable();
    }
}
