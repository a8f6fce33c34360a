//! Claiming mails that are due.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::domain::id::{MailDigestId, MailId};
use crate::service::{Error, Service};
use crate::store::{ClaimedMail, MailClaim, Transaction};

/// How long a claim lasts: longer than an attempt. A process that crashes leaves its mail to others after that.
const CLAIM_SECONDS: u32 = 120;
/// How many notices one transaction gathers, so that other writers wait only briefly.
const BATCH: u32 = 500;
/// How many such transactions there are in one go. The rest is left for the next time.
const MAX_BATCHES: u32 = 200;
/// How many tokens of each kind a mail lists. With names and owners of the longest, a mail has at most 400 KiB.
const LISTED: u32 = 20;

impl Service {
    /// The mail digests that are due, those that wait longest first. None if a newer version has changed the schema: it may send them in
    /// another way.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_mail_digests(&self) -> Result<Vec<MailDigestId>, Error> {
        if !self.readiness().schema {
            return Ok(Vec::new());
        }
        Ok(self.store.due_mail_digests(self.now()).await?)
    }

    /// Claims the mail of this digest, which is to be sent at once. No other process sends it meanwhile. `None` if there is none: then the
    /// period of the digest has ended without one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_mail(&self, digest: MailDigestId) -> Result<Option<ClaimedMail>, Error> {
        let mut name = [0; 8];
        self.entropy.fill_guessable(&mut name)?;
        let claim = format!("{:016x}", u64::from_be_bytes(name));
        for _ in 0..MAX_BATCHES {
            let transaction = self.store.begin().await?;
            let claimed = self.claim_mail_in(&transaction, digest, &claim).await;
            match transaction.finish(claimed).await? {
                MailClaim::NotDue | MailClaim::Empty => return Ok(None),
                MailClaim::Claimed(mail) => return self.with_content(*mail).await,
                MailClaim::Gathering => {}
            }
        }
        Ok(None)
    }

    async fn claim_mail_in(
        &self,
        transaction: &Transaction,
        digest: MailDigestId,
        claim: &str,
    ) -> Result<MailClaim, Error> {
        let now = self.now();
        let new = MailId::new(now, self.random()?);
        let until = now.plus_seconds(CLAIM_SECONDS);
        let claimed = transaction.claim_mail((digest, new), claim, (now, until), BATCH).await?;
        if matches!(claimed, MailClaim::Empty)
            && let Some(facts) = transaction.find_mail_digest_to_change(digest).await?
        {
            transaction.end_mail_period(&facts, facts.settings.schedule.next_after(now)).await?;
        }
        Ok(claimed)
    }

    /// The mail with what it says; `None` if its digest was deleted. If this fails, the claim ends by itself.
    async fn with_content(&self, claimed: ClaimedMail) -> Result<Option<ClaimedMail>, Error> {
        let mail = (claimed.digest, claimed.mail);
        let content = self.store.mail_content(mail, claimed.first_attempt_at, LISTED).await?;
        Ok((!content.sections.is_empty()).then_some(ClaimedMail { content, ..claimed }))
    }

    /// Wakes the sender of mail when this process has made one due.
    pub fn mail_made_due(&self) -> Arc<Notify> {
        self.mail.due.clone()
    }
}
