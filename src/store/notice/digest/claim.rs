//! Claiming the mail of a digest that is due: its notices are gathered, batch by batch, and then it is to be sent.

use sea_orm::ConnectionTrait;

use crate::domain::id::{MailDigestId, MailId};
use crate::domain::notice::DigestContent;
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::{Error, Transaction};

/// What came of claiming the mail of a digest.
#[derive(Debug)]
pub enum MailClaim {
    /// The digest is not due, is gone, or is left to another replica.
    NotDue,
    /// There are no notices for a mail.
    Empty,
    /// Notices were gathered, and there may be more.
    Gathering,
    /// The mail is to be sent now, until the claim ends.
    Claimed(Box<ClaimedMail>),
}

/// A mail to be sent.
#[derive(Debug)]
pub struct ClaimedMail {
    /// The digest.
    pub digest: MailDigestId,
    /// Its identity, the same at every attempt.
    pub mail: MailId,
    /// Where it is sent.
    pub address: String,
    /// What it says, which is read after the claim ([`Store::mail_content`](crate::store::Store::mail_content)).
    pub content: DigestContent,
    /// When the first attempt began.
    pub first_attempt_at: Timestamp,
    /// The number of this attempt.
    pub attempt: u32,
    /// The name of the claim.
    pub claim: String,
}

/// What a digest is about to send.
struct Due {
    mail: Option<MailId>,
    attempts: u32,
}

impl Transaction {
    /// Gathers up to `most` notices for the mail of a digest that is due. If that is all, claims it until this time, under this name. A mail that
    /// has no identity yet gets this one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_mail(
        &self,
        (digest, new): (MailDigestId, MailId),
        claim: &str,
        (now, until): (Timestamp, Timestamp),
        most: u32,
    ) -> Result<MailClaim, Error> {
        let Some(due) = self.lock_due_digest(digest, now).await? else { return Ok(MailClaim::NotDue) };
        let mail = due.mail.unwrap_or(new);
        if due.attempts == 0 {
            let gathered = self.gather(digest, mail, most).await?;
            if due.mail.is_none() {
                if gathered == 0 {
                    return Ok(MailClaim::Empty);
                }
                self.name_mail(digest, mail).await?;
            }
            if gathered == u64::from(most) {
                return Ok(MailClaim::Gathering);
            }
        }
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            "UPDATE mail_digest SET claim = ?, due_at = ?, attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, ?)
             WHERE id = ? RETURNING address, first_attempt_at, attempts",
            [claim.into(), until.unix_millis().into(), now.unix_millis().into(), digest.to_string().into()],
        );
        let Some(row) = self.connection().query_one_raw(sql.statement()).await? else { return Ok(MailClaim::NotDue) };
        let mut columns = Columns::new(&row, 0);
        let (address, first_attempt_at, attempt) = (columns.take()?, columns.moment()?, columns.number()?);
        let (content, claim) = (DigestContent::default(), claim.to_owned());
        let claimed = ClaimedMail { digest, mail, address, content, first_attempt_at, attempt, claim };
        Ok(MailClaim::Claimed(Box::new(claimed)))
    }

    /// Locks a digest that is due.
    async fn lock_due_digest(&self, digest: MailDigestId, now: Timestamp) -> Result<Option<Due>, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            "SELECT coalesce(mail_id, ''), attempts FROM mail_digest WHERE id = ? AND due_at <= ?",
            [digest.to_string().into(), now.unix_millis().into()],
        );
        if sql.is_postgres() {
            // Notices may be written to it meanwhile.
            sql.text(" FOR NO KEY UPDATE SKIP LOCKED");
        }
        let Some(row) = self.connection().query_one_raw(sql.statement()).await? else { return Ok(None) };
        let mut columns = Columns::new(&row, 0);
        let mail = columns.parse(|text| match text {
            "" => Some(None),
            text => MailId::parse(text).map(Some),
        })?;
        Ok(Some(Due { mail, attempts: columns.number()? }))
    }

    async fn gather(&self, digest: MailDigestId, mail: MailId, most: u32) -> Result<u64, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            "UPDATE mail_digest_notice SET mail_id = ? WHERE number IN (SELECT number FROM mail_digest_notice",
            [mail.to_string().into()],
        );
        sql.indexed_by("mail_digest_notice_mail_idx").push(
            " WHERE mail_digest_id = ? AND mail_id IS NULL LIMIT ?)",
            [digest.to_string().into(), i64::from(most).into()],
        );
        Ok(self.connection().execute_raw(sql.statement()).await?.rows_affected())
    }

    async fn name_mail(&self, digest: MailDigestId, mail: MailId) -> Result<(), Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            "UPDATE mail_digest SET mail_id = ? WHERE id = ?",
            [mail.to_string().into(), digest.to_string().into()],
        );
        self.connection().execute_raw(sql.statement()).await?;
        Ok(())
    }
}
