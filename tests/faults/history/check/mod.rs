//! Whether what clients saw can have happened by the rules of a token's life.
//!
//! Pure code over a history. `rules` are what single calls, or two of them, must satisfy. `search` looks, for each token, for an
//! order in which all of its calls took effect one after the other, each between its begin and its end, and each as `state` allows
//! it. What has no answer may have happened at any time after its begin, or never. The state is written from the promises and not
//! from the code of the server, so that a mistake there is not repeated here.

mod calls;
mod rules;
mod search;
mod state;
pub mod violation;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{History, Kind};
use calls::TokenCalls;
use violation::Violation;

/// What a check allows for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For how long other replicas than the one that changed a token may still accept its values (R10).
    pub propagation: Duration,
    /// How far the clock of the database may be from that of the recorder, and how much a network may delay what it says.
    pub clock_slack: Duration,
    /// Whether the clock of the database was set back meanwhile. Then what had ended by it works again.
    pub clock_set_back: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { propagation: Duration::from_secs(10), clock_slack: Duration::from_secs(1), clock_set_back: false }
    }
}

/// Everything in a history that cannot have happened, by token.
pub fn check(history: &History, limits: Limits) -> Vec<Violation> {
    let mut by_token: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let (about_all, about_one): (Vec<_>, Vec<_>) = history
        .calls
        .iter()
        .enumerate()
        .partition(|(_, call)| call.token.is_empty() && call.call == Kind::RetireValues);
    for (index, call) in about_one {
        by_token.entry(&call.token).or_default().push(index);
    }
    for indexes in by_token.values_mut() {
        indexes.extend(about_all.iter().map(|(index, _)| index));
    }
    let mut found = rules::values_issued_twice(history);
    for (token, indexes) in by_token {
        let calls = match TokenCalls::read(history, token, &indexes, limits) {
            Ok(calls) => calls,
            Err(violation) => {
                found.push(violation);
                continue;
            }
        };
        let before = found.len();
        found.extend(rules::broken(&calls));
        // A rule names the calls at fault; the search only says that there is no order.
        if found.len() == before {
            found.extend(search::find_order(&calls).err());
        }
    }
    found
}
