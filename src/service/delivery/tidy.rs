//! Housekeeping of deliveries.

use crate::domain::timestamp::Timestamp;
use crate::service::{Error, Service};

/// How long a delivery is kept after it is over, in minutes.
const KEPT_MINUTES: u32 = 7 * 24 * 60;
/// How long a delivery waits for a webhook that is disabled, in minutes.
const WAITS_MINUTES: u32 = 3 * 24 * 60;
/// How many rows one transaction changes, so that other writers wait only briefly.
const BATCH: u32 = 500;
/// How many such transactions of each kind run in one go. The rest is left for the next time.
const MAX_BATCHES: u32 = 40;
/// Up to how many pending deliveries are counted.
const MAX_COUNTED: u32 = 10_000;

impl Service {
    /// Deletes deliveries that were over a week ago, and gives up those that have waited for a disabled webhook for three days. Counts what is
    /// pending.
    pub(crate) async fn tidy_deliveries(&self, now: Timestamp) -> Result<(), Error> {
        for _ in 0..MAX_BATCHES {
            if self.store.delete_old_deliveries(now.minus_minutes(KEPT_MINUTES), BATCH).await? < u64::from(BATCH) {
                break;
            }
        }
        for _ in 0..MAX_BATCHES {
            let before = now.minus_minutes(WAITS_MINUTES);
            if self.store.give_up_disabled(before, now, BATCH).await? < u64::from(BATCH) {
                break;
            }
        }
        self.backlog.keep(self.store.backlog(MAX_COUNTED).await?, now);
        Ok(())
    }
}
