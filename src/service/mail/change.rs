//! `createMailDigest`, `updateMailDigest`, `deleteMailDigest` and `testMailDigest`.

use crate::domain::audit::{Action, AuditEvent};
use crate::domain::id::{EventId, MailDigestId};
use crate::domain::invalid_input::InvalidInput;
use crate::domain::notice::{MAX_MAIL_DIGESTS, MailDigest, MailDigestChange};
use crate::domain::reason::Reason;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor;
use crate::service::{Caller, Error, Service};
use crate::store::Transaction;

use super::read::mail_digest_id;

/// How many notices one transaction deletes, so that other writers wait only briefly.
const BATCH: u32 = 500;
/// How many tests of a digest may be pending.
const MAX_PENDING_TESTS: u32 = 10;
/// How long after a mail a test is refused, so that nobody can be flooded with mails.
const TEST_PAUSE_MINUTES: u32 = 1;

impl Service {
    /// Creates a mail digest. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, the server sends no mail, a setting is invalid, or there are too many.
    pub async fn create_mail_digest(&self, caller: &Caller, change: MailDigestChange) -> Result<MailDigest, Error> {
        let now = self.now();
        let transaction = self.store.begin().await?;
        let created = self.create_mail_digest_in(&transaction, caller, change, now).await;
        caller.finish(transaction, created).await
    }

    /// Changes the settings of a mail digest. With another address, a mail that is being sent is sent there. Needs `WEBHOOK_MODIFY` and
    /// `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, no digest has this id, or a setting is invalid.
    pub async fn update_mail_digest(
        &self,
        caller: &Caller,
        id: &str,
        change: MailDigestChange,
    ) -> Result<MailDigest, Error> {
        let now = self.now();
        let id = mail_digest_id(id)?;
        let transaction = self.store.begin().await?;
        let updated = self.update_mail_digest_in(&transaction, caller, id, change, now).await;
        let updated = caller.finish(transaction, updated).await?;
        self.mail.due.notify_one();
        Ok(updated)
    }

    /// Deletes a mail digest with its notices; returns its id. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or no digest has this id.
    pub async fn delete_mail_digest(&self, caller: &Caller, id: &str) -> Result<MailDigestId, Error> {
        let now = self.now();
        let id = mail_digest_id(id)?;
        loop {
            let transaction = self.store.begin().await?;
            let deleted = self.delete_mail_digest_in(&transaction, caller, id, now).await;
            if caller.finish(transaction, deleted).await? {
                return Ok(id);
            }
        }
    }

    /// Has a mail sent at once, with a test and all that is pending; returns the digest. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, the server sends no mail, no digest has this id, a mail was just sent, or too many tests are pending.
    pub async fn test_mail_digest(&self, caller: &Caller, id: &str) -> Result<MailDigest, Error> {
        let now = self.now();
        let id = mail_digest_id(id)?;
        let transaction = self.store.begin().await?;
        let tested = self.test_mail_digest_in(&transaction, caller, id, now).await;
        let tested = caller.finish(transaction, tested).await?;
        self.mail.due.notify_one();
        Ok(tested)
    }

    async fn create_mail_digest_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        change: MailDigestChange,
        now: Timestamp,
    ) -> Result<MailDigest, Error> {
        let own = self.webhook_manager(transaction, caller, now).await?;
        let settings = change.apply(None)?;
        self.require_mail_server("input")?;
        if transaction.count_mail_digests().await? >= MAX_MAIL_DIGESTS {
            let message =
                format!("There are {MAX_MAIL_DIGESTS} mail digests, which is the most there may be. Delete one first.");
            return Err(InvalidInput::new("input", message).into());
        }
        let id = MailDigestId::new(now, self.random()?);
        let digest = MailDigest::new(id, settings, now, Actor::ApiToken(own.id));
        transaction.insert_mail_digest(&digest).await?;
        self.record_mail_digest(transaction, Action::MailDigestCreated, caller, id, now).await?;
        Ok(digest)
    }

    async fn update_mail_digest_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: MailDigestId,
        change: MailDigestChange,
        now: Timestamp,
    ) -> Result<MailDigest, Error> {
        let own = self.webhook_manager(transaction, caller, now).await?;
        let before = find(transaction, id).await?;
        let settings = change.apply(Some(before.settings.clone()))?;
        if settings == before.settings {
            return Ok(before);
        }
        let digest = before.changed(settings, (now, Actor::ApiToken(own.id)));
        let moves = digest.settings.address != before.settings.address;
        transaction.update_mail_digest(&digest, moves).await?;
        self.record_mail_digest(transaction, Action::MailDigestUpdated, caller, id, now).await?;
        Ok(digest)
    }

    /// Deletes a digest, after its notices; returns false if this must be called again for that.
    async fn delete_mail_digest_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: MailDigestId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.webhook_manager(transaction, caller, now).await?;
        find(transaction, id).await?;
        if transaction.delete_mail_notices(id, BATCH).await? == u64::from(BATCH) {
            return Ok(false);
        }
        transaction.delete_mail_digest(id).await?;
        self.record_mail_digest(transaction, Action::MailDigestDeleted, caller, id, now).await?;
        Ok(true)
    }

    async fn test_mail_digest_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: MailDigestId,
        now: Timestamp,
    ) -> Result<MailDigest, Error> {
        self.webhook_manager(transaction, caller, now).await?;
        let digest = find(transaction, id).await?;
        self.require_mail_server("id")?;
        if digest.last_success_at.is_some_and(|sent| sent <= now && now < sent.plus_minutes(TEST_PAUSE_MINUTES)) {
            let message = "A mail of the mail digest was sent less than a minute ago. Test it again in a minute.";
            return Err(InvalidInput::new("id", message).into());
        }
        if transaction.count_pending_mail_tests(id, MAX_PENDING_TESTS).await? == MAX_PENDING_TESTS {
            let message =
                format!("{MAX_PENDING_TESTS} tests of the mail digest are pending, which is the most there may be.");
            return Err(InvalidInput::new("id", message).into());
        }
        self.record_mail_digest(transaction, Action::MailDigestTested, caller, id, now).await?;
        transaction.enqueue_mail_test(id, now).await?;
        transaction.make_mail_digest_due(id, now).await?;
        find(transaction, id).await
    }

    fn require_mail_server(&self, field: &'static str) -> Result<(), Error> {
        if self.mail.sends {
            return Ok(());
        }
        let message = "This server sends no mail. Its operator must set --smtp-url and --mail-from first.";
        Err(InvalidInput::new(field, message).into())
    }

    /// Records what the caller did to a mail digest.
    async fn record_mail_digest(
        &self,
        transaction: &Transaction,
        action: Action,
        caller: &Caller,
        id: MailDigestId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (actor, provenance) = caller.as_actor();
        let event = AuditEvent {
            id: EventId::new(now, self.random()?),
            at: now,
            action,
            refusal: None,
            actor: Some(actor),
            token_id: None,
            webhook_id: None,
            mail_digest_id: Some(id),
            generation: None,
            provenance,
            reason: Reason::default(),
        };
        Ok(transaction.append(&event).await?)
    }
}

/// Locks and returns the mail digest of this id.
async fn find(transaction: &Transaction, id: MailDigestId) -> Result<MailDigest, Error> {
    transaction.find_mail_digest_to_change(id).await?.ok_or(Error::NoMailDigest { field: "id" })
}
