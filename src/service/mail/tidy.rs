//! Housekeeping of the notices of mail digests.

use crate::domain::timestamp::Timestamp;
use crate::service::{Error, Service};

/// How long a notice may wait for a mail, in minutes: two weeks. A week and three days are enough unless no server sends mail any more.
const WAITS_MINUTES: u32 = 14 * 24 * 60;
/// How many rows one transaction changes, so that other writers wait only briefly.
const BATCH: u32 = 500;
/// How many such transactions of each kind run in one go. The rest is left for the next time.
const MAX_BATCHES: u32 = 40;
/// Up to how many pending notices are counted.
const MAX_COUNTED: u32 = 10_000;

impl Service {
    /// Deletes the notices of mails that are over, and gives up those that have waited for two weeks. Counts what is pending.
    pub(in crate::service) async fn tidy_mail(&self, now: Timestamp) -> Result<(), Error> {
        for _ in 0..MAX_BATCHES {
            if self.store.delete_ended_mail_notices(BATCH).await? < u64::from(BATCH) {
                break;
            }
        }
        let mut count = 0;
        for _ in 0..MAX_BATCHES {
            let given_up = self.store.give_up_mail_notices(now.minus_minutes(WAITS_MINUTES), BATCH).await?;
            count += given_up;
            if given_up < u64::from(BATCH) {
                break;
            }
        }
        if count > 0 {
            tracing::warn!(name: "mail_notices_given_up", count, "notices were given up, because no server has sent them by mail for two weeks");
        }
        self.mail.backlog.keep(self.store.mail_backlog(MAX_COUNTED).await?, now);
        Ok(())
    }
}
