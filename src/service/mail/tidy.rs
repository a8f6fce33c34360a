//! Housekeeping of the notices of mail digests.

use std::sync::atomic::Ordering;

use crate::domain::id::MailDigestId;
use crate::domain::notice::MAX_MAIL_DIGESTS;
use crate::domain::timestamp::Timestamp;
use crate::service::{Error, Service};
use crate::store::Transaction;

/// How long a notice may wait for a mail, in minutes: two weeks. A week and three days are enough unless no server sends mail any more.
const WAITS_MINUTES: u32 = 14 * 24 * 60;
/// How many rows one transaction changes, so that other writers wait only briefly.
const BATCH: u32 = 500;
/// How many such transactions of each kind run in one go. The rest is left for the next time.
const MAX_BATCHES: u32 = 40;
/// Up to how many pending notices are counted.
const MAX_COUNTED: u32 = 10_000;

impl Service {
    /// Deletes the notices of mails that are over, and gives up those that have waited for two weeks. Counts what is pending. Puts back what a
    /// clock that was ahead has written.
    pub(in crate::service) async fn tidy_mail(&self, now: Timestamp) -> Result<(), Error> {
        let before = now.minus_minutes(WAITS_MINUTES);
        let mut count = self.give_up_mails(before, now).await?;
        for _ in 0..MAX_BATCHES {
            if self.store.delete_ended_mail_notices(BATCH).await? < u64::from(BATCH) {
                break;
            }
        }
        for _ in 0..MAX_BATCHES {
            let given_up = self.store.give_up_mail_notices(before, BATCH).await?;
            count += given_up;
            if given_up < u64::from(BATCH) {
                break;
            }
        }
        if count > 0 {
            tracing::warn!(name: "mail_notices_given_up", count, "notices were given up after two weeks in which no server sent them by mail");
        }
        let backlog = self.store.mail_backlog(MAX_COUNTED, now).await?;
        self.mail.backlog.keep(backlog, now);
        if !self.mail.sends && backlog.digests > 0 && !self.mail.has_warned.swap(true, Ordering::Relaxed) {
            let count = backlog.digests;
            tracing::warn!(name: "mail_digests_without_server", count, "there are mail digests, and this server has no --smtp-url, so it sends none");
        }
        self.put_mail_digests_back(now).await
    }

    /// Gives up the mails with which nobody has done anything since this time; returns how many notices are in them, which go as those of mails that are
    /// over.
    async fn give_up_mails(&self, before: Timestamp, now: Timestamp) -> Result<u64, Error> {
        let mut given_up = 0;
        for (id, count) in self.store.abandoned_mails(before).await? {
            let transaction = self.store.begin().await?;
            let done = give_up_in(&transaction, id, before, now).await;
            if transaction.finish(done).await? {
                given_up += count;
            }
        }
        Ok(given_up)
    }

    /// Puts back the times of digests that a clock wrote which was ahead. Otherwise they would be silent until then.
    async fn put_mail_digests_back(&self, now: Timestamp) -> Result<(), Error> {
        let most = u32::try_from(MAX_MAIL_DIGESTS).unwrap_or(u32::MAX);
        let (digests, _) = self.store.mail_digests(None, most).await?;
        for digest in digests.into_iter().filter(|digest| digest.put_back(now).is_some()) {
            let transaction = self.store.begin().await?;
            let put_back = put_back_in(&transaction, digest.id, now).await;
            if transaction.finish(put_back).await? {
                let (mail_digest_id, seconds) = (digest.id, now.seconds_until(digest.next_attempt_at));
                tracing::warn!(name: "mail_digest_put_back", %mail_digest_id, seconds, "when a mail digest is due was written by a clock that was ahead; putting it back");
            }
        }
        Ok(())
    }
}

async fn give_up_in(
    transaction: &Transaction,
    id: MailDigestId,
    before: Timestamp,
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(digest) = transaction.find_mail_digest_to_change(id).await? else { return Ok(false) };
    let ends_at = digest.settings.schedule.after(digest.period_ends_at, now);
    Ok(transaction.give_up_mail(id, before, ends_at).await?)
}

/// Puts the times of a digest back, if they still are ahead.
async fn put_back_in(transaction: &Transaction, id: MailDigestId, now: Timestamp) -> Result<bool, Error> {
    let found = transaction.find_mail_digest_to_change(id).await?;
    let Some(digest) = found.and_then(|digest| digest.put_back(now)) else { return Ok(false) };
    transaction.update_mail_digest(&digest, true).await?;
    Ok(true)
}
