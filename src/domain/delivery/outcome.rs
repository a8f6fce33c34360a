//! What follows from the outcome of an attempt.

use super::retry::{Attempt, next_attempt};
use crate::domain::notice::DisabledBecause;
use crate::domain::timestamp::Timestamp;

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has the message.
    Accepted,
    /// The receiver wants no more messages.
    Gone,
    /// There was no answer, or another one. The receiver may have asked for a pause.
    Failed {
        /// Of so many seconds.
        retry_after_seconds: Option<u32>,
    },
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is over: the receiver has the message.
    Delivered,
    /// It is sent again at this time.
    Retry(Timestamp),
    /// It is given up.
    Dead,
}

impl Outcome {
    /// The outcome for the status of an answer. A redirect is a failure: it could lead to an address that must not be connected to.
    pub fn of_status(status: u16, retry_after_seconds: Option<u32>) -> Self {
        match status {
            200..=299 => Self::Accepted,
            410 => Self::Gone,
            _ => Self::Failed { retry_after_seconds },
        }
    }

    /// What becomes of the delivery after this attempt, which was the one of this number since the first.
    pub fn next(self, first_at: Timestamp, number: u32, now: Timestamp, random: u16) -> Next {
        match self {
            Self::Accepted => Next::Delivered,
            Self::Gone => Next::Dead,
            Self::Failed { retry_after_seconds } => {
                let failed = Attempt { first_at, number, at: now, retry_after_seconds };
                next_attempt(failed, random).map_or(Next::Dead, Next::Retry)
            }
        }
    }

    /// Why nothing more is sent to the webhook after this; `None` if it goes on. `last_success_at` is when it last accepted any message:
    /// one that it never accepts is no reason to keep the others from it.
    pub fn disables(
        self,
        next: Next,
        first_at: Timestamp,
        last_success_at: Option<Timestamp>,
    ) -> Option<DisabledBecause> {
        match (self, next) {
            (Self::Gone, _) => Some(DisabledBecause::Gone),
            (_, Next::Dead) if last_success_at.is_none_or(|success| success < first_at) => {
                Some(DisabledBecause::Failing)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60 * 1_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    #[test]
    fn only_2xx_is_accepted_and_only_410_ends_all() {
        for status in 100..=599 {
            let outcome = Outcome::of_status(status, Some(7));
            match status {
                200..=299 => assert_eq!(outcome, Outcome::Accepted),
                410 => assert_eq!(outcome, Outcome::Gone),
                _ => assert_eq!(outcome, Outcome::Failed { retry_after_seconds: Some(7) }, "{status}"),
            }
        }
    }

    #[test]
    fn a_failed_delivery_is_repeated_until_the_three_days_are_over() {
        let failed = Outcome::Failed { retry_after_seconds: None };
        assert_eq!(failed.next(at(0), 1, at(1), 0), Next::Retry(at(5_001)));
        assert_eq!(failed.next(at(0), 20, at(3 * DAY - 1), 0), Next::Retry(at(3 * DAY)));
        assert_eq!(failed.next(at(0), 20, at(3 * DAY), 0), Next::Dead);
        assert_eq!(Outcome::Accepted.next(at(0), 1, at(9 * DAY), 0), Next::Delivered);
        assert_eq!(Outcome::Gone.next(at(0), 1, at(0), 0), Next::Dead);
    }

    #[test]
    fn a_webhook_is_disabled_when_it_is_gone_or_accepted_nothing_for_three_days() {
        let failed = Outcome::Failed { retry_after_seconds: None };
        let first = at(DAY);
        for (outcome, next, last_success_at, because) in [
            (Outcome::Gone, Next::Dead, Some(at(2 * DAY)), Some(DisabledBecause::Gone)),
            (failed, Next::Dead, None, Some(DisabledBecause::Failing)),
            (failed, Next::Dead, Some(at(DAY - 1)), Some(DisabledBecause::Failing)),
            (failed, Next::Dead, Some(first), None),
            (failed, Next::Dead, Some(at(DAY + 1)), None),
            (failed, Next::Retry(at(2 * DAY)), None, None),
            (Outcome::Accepted, Next::Delivered, None, None),
        ] {
            assert_eq!(outcome.disables(next, first, last_success_at), because, "{outcome:?} {last_success_at:?}");
        }
    }
}
