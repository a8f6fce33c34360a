//! Counting attempts to deliver notices, by what came of them.

use crate::domain::delivery::Next;
use crate::metrics::{CounterByName, Exposition, Family};

const OUTCOMES: [&str; 4] = ["DELIVERED", "RETRY", "DEAD", "LOST"];

/// The counters of attempts.
#[derive(Debug)]
pub(crate) struct AttemptCounts(CounterByName);

impl Default for AttemptCounts {
    fn default() -> Self {
        Self(CounterByName::new(OUTCOMES))
    }
}

impl AttemptCounts {
    /// An attempt is over; `None` if that could not be noted.
    pub(crate) fn attempted(&self, next: Option<Next>) {
        let [delivered, retry, dead, lost] = OUTCOMES;
        self.0.increment(match next {
            Some(Next::Delivered) => delivered,
            Some(Next::Retry(_)) => retry,
            Some(Next::Dead) => dead,
            None => lost,
        });
    }

    /// So many deliveries were given up without an attempt.
    pub(crate) fn given_up(&self, count: u64) {
        let [_, _, dead, _] = OUTCOMES;
        self.0.add(dead, count);
    }

    pub(crate) fn describe(&self, exposition: &mut Exposition) {
        exposition.add(
            Family::counter(
                "rotakey_notice_attempts",
                "Attempts to deliver a notice to a webhook, by what became of the delivery: DELIVERED, RETRY (later), DEAD (given up, also without an attempt, because the webhook stayed disabled) or LOST (not noted, so it is sent again).",
            )
            .by("outcome", self.0.get()),
        );
    }
}
