//! What the metrics say of mail.

use std::sync::{Mutex, PoisonError};

use crate::domain::delivery::Next;
use crate::domain::timestamp::Timestamp;
use crate::metrics::{CounterByName, Exposition, Family};
use crate::store::MailBacklog;

const OUTCOMES: [&str; 4] = ["DELIVERED", "RETRY", "DEAD", "LOST"];

/// The counters of attempts to send a mail, by what came of them.
#[derive(Debug)]
pub(in crate::service) struct MailCounts(CounterByName);

impl Default for MailCounts {
    fn default() -> Self {
        Self(CounterByName::new(OUTCOMES))
    }
}

impl MailCounts {
    /// An attempt is over; `None` if that could not be noted.
    pub(super) fn attempted(&self, next: Option<Next>) {
        let [delivered, retry, dead, lost] = OUTCOMES;
        self.0.increment(match next {
            Some(Next::Delivered) => delivered,
            Some(Next::Retry(_)) => retry,
            Some(Next::Dead) => dead,
            None => lost,
        });
    }

    pub(super) fn describe(&self, exposition: &mut Exposition) {
        exposition.add(
            Family::counter(
                "rotakey_mail_attempts",
                "Attempts to send a mail digest, by what became of the mail: DELIVERED (accepted by the mail server), RETRY (later), DEAD (given up) or LOST (not noted, so it is sent again).",
            )
            .by("outcome", self.0.get()),
        );
    }
}

/// What was pending when it was last counted.
#[derive(Debug, Default)]
pub(in crate::service) struct KnownMailBacklog(Mutex<Option<(MailBacklog, Timestamp)>>);

impl KnownMailBacklog {
    /// Keeps what was counted at this time.
    pub(super) fn keep(&self, backlog: MailBacklog, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((backlog, now));
    }

    /// Whether there were mail digests.
    pub(super) fn has_digests(&self) -> bool {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.is_some_and(|(backlog, _)| backlog.digests > 0)
    }

    /// Describes it. It is counted in the background, once a minute.
    pub(super) fn describe(&self, exposition: &mut Exposition) {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((MailBacklog { pending, overdue_since, digests: _ }, counted_at)) = known else { return };
        let overdue = overdue_since.map_or(0, |since| since.whole_seconds_until(counted_at));
        exposition.add(
            Family::gauge(
                "rotakey_mail_notices_pending",
                "Notices that are yet to be sent by mail, up to 10,000, as of once a minute.",
            )
            .sample([], pending),
        );
        exposition.add(
            Family::gauge(
                "rotakey_mail_overdue_seconds",
                "For how long the oldest mail has been due that is not accepted by the mail server, 0 if there is none, as of once a minute.",
            )
            .sample([], overdue),
        );
    }
}
