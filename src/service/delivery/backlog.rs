//! What the metrics say of deliveries that are pending.

use std::sync::{Mutex, PoisonError};

use crate::domain::timestamp::Timestamp;
use crate::metrics::{Exposition, Family};
use crate::store::Backlog;

/// What was pending when it was last counted.
#[derive(Debug, Default)]
pub(crate) struct KnownBacklog(Mutex<Option<(Backlog, Timestamp)>>);

impl KnownBacklog {
    /// Keeps what was counted at this time.
    pub(super) fn keep(&self, backlog: Backlog, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((backlog, now));
    }

    /// Describes it. It is counted in the background, once a minute.
    pub(crate) fn describe(&self, exposition: &mut Exposition) {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((Backlog { pending, oldest_at, disabled_webhooks }, counted_at)) = known else { return };
        let age = oldest_at.map_or(0, |oldest_at| oldest_at.whole_seconds_until(counted_at));
        exposition.add(
            Family::gauge(
                "rotakey_notices_pending",
                "Deliveries of notices that are yet to be accepted by webhooks that are enabled, up to 10,000, as of once a minute.",
            )
            .sample([], pending),
        );
        exposition.add(
            Family::gauge(
                "rotakey_notices_oldest_pending_seconds",
                "Age of the oldest pending delivery of a notice to a webhook that is enabled, 0 if there is none, as of once a minute.",
            )
            .sample([], age),
        );
        exposition.add(
            Family::gauge(
                "rotakey_webhooks_disabled",
                "Webhooks that the server has disabled, for which no notices are written, as of once a minute.",
            )
            .sample([], disabled_webhooks),
        );
    }
}
