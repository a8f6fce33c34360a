//! Housekeeping of deliveries.

use std::collections::BTreeMap;

use crate::domain::id::WebhookId;
use crate::domain::timestamp::Timestamp;
use crate::service::{Error, Service};

/// How long a delivery is kept after it is over, in minutes.
const KEPT_MINUTES: u32 = 7 * 24 * 60;
/// For how long after a webhook was disabled what waits for it is kept, in minutes.
const WAITS_MINUTES: u32 = 3 * 24 * 60;
/// How many rows one transaction changes, so that other writers wait only briefly.
const BATCH: u32 = 500;
/// How many such transactions of each kind run in one go. The rest is left for the next time.
const MAX_BATCHES: u32 = 40;
/// Up to how many pending deliveries are counted.
const MAX_COUNTED: u32 = 10_000;

impl Service {
    /// Deletes deliveries that were over a week ago, and gives up those that wait for a webhook that has been disabled for three days. Counts
    /// what is pending.
    pub(crate) async fn tidy_deliveries(&self, now: Timestamp) -> Result<(), Error> {
        for _ in 0..MAX_BATCHES {
            if self.store.delete_old_deliveries(now.minus_minutes(KEPT_MINUTES), BATCH).await? < u64::from(BATCH) {
                break;
            }
        }
        let mut given_up = BTreeMap::new();
        let outcome = self.give_up_disabled(now, &mut given_up).await;
        for (webhook_id, count) in given_up {
            self.attempts.given_up(count);
            tracing::warn!(name: "notices_given_up", %webhook_id, count, "notices were given up, because their webhook has been disabled for three days");
        }
        outcome?;
        self.backlog.keep(self.store.backlog(MAX_COUNTED).await?, now);
        Ok(())
    }

    /// Adds how many deliveries of each webhook were given up, also if the database fails in between.
    async fn give_up_disabled(&self, now: Timestamp, given_up: &mut BTreeMap<WebhookId, u64>) -> Result<(), Error> {
        for _ in 0..MAX_BATCHES {
            let batch = self.store.give_up_disabled(now.minus_minutes(WAITS_MINUTES), now, BATCH).await?;
            let size: u64 = batch.values().sum();
            for (webhook, count) in batch {
                *given_up.entry(webhook).or_default() += count;
            }
            if size < u64::from(BATCH) {
                break;
            }
        }
        Ok(())
    }
}
