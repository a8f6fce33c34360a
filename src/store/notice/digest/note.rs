//! Noting what came of an attempt to send a mail.

use sea_orm::ConnectionTrait;

use crate::domain::delivery::Next;
use crate::domain::id::{MailDigestId, MailId};
use crate::domain::notice::MailDigest;
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::{Error, Transaction};

/// The columns of a digest whose mail is over, with the end of the next period twice.
const MAIL_IS_OVER: &str =
    "claim = NULL, mail_id = NULL, attempts = 0, first_attempt_at = NULL, period_ends_at = ?, due_at = ?";

/// An attempt that is over.
#[derive(Clone, Copy, Debug)]
pub struct AttemptedMail<'a> {
    /// The digest.
    pub digest: MailDigestId,
    /// The mail.
    pub mail: MailId,
    /// The name of the claim.
    pub claim: &'a str,
    /// What was wrong; `None` if the mail server accepted it. It repeats nothing that the server sent.
    pub error: Option<&'a str>,
}

/// What is known of a digest when an attempt is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotedMail {
    /// Since when the mail server has accepted none, from now on if it did before.
    pub failing_since: Option<Timestamp>,
}

impl Transaction {
    /// Ends a period in which there were no notices.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_mail_period(&self, digest: &MailDigest, ends_at: Timestamp) -> Result<(), Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        let ends_at = ends_at.unix_millis();
        sql.push(
            "UPDATE mail_digest SET period_ends_at = ?, due_at = ? WHERE id = ? AND mail_id IS NULL",
            [ends_at.into(), ends_at.into(), digest.id.to_string().into()],
        );
        self.connection().execute_raw(sql.statement()).await?;
        Ok(())
    }

    /// Gives up a mail with which nobody has done anything since this time. The next period of its digest ends then. Returns whether there was
    /// one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_up_mail(
        &self,
        digest: MailDigestId,
        before: Timestamp,
        next_period_ends_at: Timestamp,
    ) -> Result<bool, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        let ends_at = next_period_ends_at.unix_millis();
        sql.push(&format!("UPDATE mail_digest SET {MAIL_IS_OVER}"), [ends_at.into(), ends_at.into()]);
        sql.push(
            " WHERE id = ? AND mail_id IS NOT NULL AND due_at < ?",
            [digest.to_string().into(), before.unix_millis().into()],
        );
        Ok(self.connection().execute_raw(sql.statement()).await?.rows_affected() > 0)
    }

    /// Notes the outcome of an attempt at its digest. If the mail is over, the next period ends at this time. `None` if another process has
    /// claimed the mail since, or the digest was deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_mail(
        &self,
        attempted: AttemptedMail<'_>,
        next: Next,
        next_period_ends_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<NotedMail>, Error> {
        let AttemptedMail { digest, mail, claim, error } = attempted;
        let mut sql = Sql::new(self.connection().get_database_backend());
        let at = now.unix_millis();
        match error {
            None => sql.push("UPDATE mail_digest SET last_success_at = ?, failing_since = NULL", [at.into()]),
            Some(error) => sql.push(
                "UPDATE mail_digest SET last_failure_at = ?, last_failure = ?, failing_since = coalesce(failing_since, ?)",
                [at.into(), error.into(), at.into()],
            ),
        };
        match next {
            Next::Retry(at) => sql.push(", claim = NULL, due_at = ?", [at.unix_millis().into()]),
            Next::Delivered | Next::Dead => sql.push(
                &format!(", {MAIL_IS_OVER}"),
                [next_period_ends_at.unix_millis().into(), next_period_ends_at.unix_millis().into()],
            ),
        };
        sql.push(
            " WHERE id = ? AND claim = ? AND mail_id = ? RETURNING failing_since",
            [digest.to_string().into(), claim.into(), mail.to_string().into()],
        );
        let Some(row) = self.connection().query_one_raw(sql.statement()).await? else { return Ok(None) };
        Ok(Some(NotedMail { failing_since: Columns::new(&row, 0).moment_if_any()? }))
    }
}
