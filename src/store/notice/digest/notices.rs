//! The notices of mail digests: tests, counts, and deleting what is over.

use sea_orm::ConnectionTrait;

use crate::domain::id::MailDigestId;
use crate::domain::notice::NoticeKind;
use crate::domain::timestamp::Timestamp;
use crate::store::notice::outbox::end_subquery;
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::{Error, Store, Transaction};

/// The notices of mails that are over: no digest is sending a mail of this identity.
const OF_ENDED_MAIL: &str = " WHERE notice.mail_digest_id = digest.id AND notice.mail_id > ''
    AND (digest.mail_id IS NULL OR notice.mail_id <> digest.mail_id)";

/// When a mail became due: its period ended, or it was asked for before that.
const DUE_SINCE: &str = "CASE WHEN attempts = 0 THEN due_at WHEN first_attempt_at < period_ends_at THEN first_attempt_at ELSE period_ends_at END";

/// The notices of a digest that are yet to be sent.
const PENDING: &str =
    " WHERE notice.mail_digest_id = digest.id AND (notice.mail_id IS NULL OR notice.mail_id = digest.mail_id)";

/// What is yet to be sent by mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailBacklog {
    /// How many notices, counted up to a limit.
    pub pending: u64,
    /// Since when the oldest mail is due that is not accepted yet, whether it was attempted or not.
    pub overdue_since: Option<Timestamp>,
    /// How many mail digests there are.
    pub digests: u64,
}

impl Transaction {
    /// How many tests of a mail digest are pending, counted up to `most`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_pending_mail_tests(&self, digest: MailDigestId, most: u32) -> Result<u32, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.text("SELECT number FROM mail_digest_notice").indexed_by("mail_digest_notice_mail_idx").push(
            " WHERE mail_digest_id = ? AND mail_id IS NULL AND kind = ? LIMIT ?",
            [digest.to_string().into(), NoticeKind::Test.as_str().into(), i64::from(most).into()],
        );
        let rows = self.connection().query_all_raw(sql.statement()).await?;
        Ok(u32::try_from(rows.len()).unwrap_or(most))
    }

    /// Writes a test for this mail digest, whatever kinds are in it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enqueue_mail_test(&self, digest: MailDigestId, now: Timestamp) -> Result<(), Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            "INSERT INTO mail_digest_notice (mail_digest_id, kind, created_at) VALUES (?, ?, ?)",
            [digest.to_string().into(), NoticeKind::Test.as_str().into(), now.unix_millis().into()],
        );
        self.connection().execute_raw(sql.statement()).await?;
        Ok(())
    }

    /// Deletes up to `most` notices of a mail digest; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_mail_notices(&self, digest: MailDigestId, most: u32) -> Result<u64, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            "DELETE FROM mail_digest_notice WHERE number IN
             (SELECT number FROM mail_digest_notice WHERE mail_digest_id = ? LIMIT ?)",
            [digest.to_string().into(), i64::from(most).into()],
        );
        Ok(self.connection().execute_raw(sql.statement()).await?.rows_affected())
    }
}

impl Store {
    /// Deletes up to `most` notices of mails that are over; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_ended_mail_notices(&self, most: u32) -> Result<u64, Error> {
        let mut sql = Sql::new(self.write.get_database_backend());
        sql.text("DELETE FROM mail_digest_notice WHERE number IN (SELECT notice.number FROM mail_digest AS digest");
        // With CROSS, SQLite joins in the order in which the tables are written.
        sql.text(" CROSS JOIN mail_digest_notice AS notice").indexed_by("mail_digest_notice_mail_idx");
        sql.push(&format!("{OF_ENDED_MAIL} LIMIT ?"), [i64::from(most).into()]);
        end_subquery(&mut sql, "notice");
        self.delete_mail_rows(sql).await
    }

    /// Deletes up to `most` notices from before this time that are in no mail; returns how many. They are given up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_up_mail_notices(&self, before: Timestamp, most: u32) -> Result<u64, Error> {
        let mut sql = Sql::new(self.write.get_database_backend());
        sql.text("DELETE FROM mail_digest_notice WHERE number IN (SELECT number FROM mail_digest_notice");
        sql.indexed_by("mail_digest_notice_created_idx").push(
            " WHERE created_at < ? AND mail_id IS NULL ORDER BY created_at LIMIT ?",
            [before.unix_millis().into(), i64::from(most).into()],
        );
        end_subquery(&mut sql, "mail_digest_notice");
        self.delete_mail_rows(sql).await
    }

    async fn delete_mail_rows(&self, sql: Sql) -> Result<u64, Error> {
        let transaction = self.begin().await?;
        let deleted = transaction.connection().execute_raw(sql.statement()).await?.rows_affected();
        transaction.commit().await?;
        Ok(deleted)
    }

    /// What is yet to be sent by mail at this time. At most so many notices are counted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mail_backlog(&self, most: u32, now: Timestamp) -> Result<MailBacklog, Error> {
        const INDEX: &str = "mail_digest_notice_mail_idx";
        let mut sql = Sql::new(self.read.get_database_backend());
        sql.text(&format!("SELECT count(*), (SELECT min({DUE_SINCE}) FROM mail_digest AS digest"));
        sql.push(" WHERE (attempts > 0 OR due_at <= ?)", [now.unix_millis().into()]);
        sql.text(" AND EXISTS (SELECT 1 FROM mail_digest_notice AS notice").indexed_by(INDEX);
        sql.text(&format!("{PENDING})), (SELECT count(*) FROM mail_digest)"));
        sql.text(" FROM (SELECT notice.number FROM mail_digest AS digest CROSS JOIN mail_digest_notice AS notice");
        sql.indexed_by(INDEX).push(&format!("{PENDING} LIMIT ?) AS pending"), [i64::from(most).into()]);
        let Some(row) = self.read.query_one_raw(sql.statement()).await? else { return Ok(MailBacklog::default()) };
        let mut columns = Columns::new(&row, 0);
        let pending: i64 = columns.take()?;
        let overdue_since = columns.moment_if_any()?;
        let digests: i64 = columns.take()?;
        let count = |rows| u64::try_from(rows).unwrap_or_default();
        Ok(MailBacklog { pending: count(pending), overdue_since, digests: count(digests) })
    }

    /// The digests that have begun a mail with which nobody has done anything since this time, and how many notices are in it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn abandoned_mails(&self, before: Timestamp) -> Result<Vec<(MailDigestId, u64)>, Error> {
        let mut sql = Sql::new(self.read.get_database_backend());
        sql.text("SELECT id, (SELECT count(*) FROM mail_digest_notice AS notice")
            .indexed_by("mail_digest_notice_mail_idx");
        sql.push(
            " WHERE notice.mail_digest_id = digest.id AND notice.mail_id = digest.mail_id)
             FROM mail_digest AS digest WHERE mail_id IS NOT NULL AND due_at < ?",
            [before.unix_millis().into()],
        );
        let rows = self.read.query_all_raw(sql.statement()).await?;
        let abandoned = rows.iter().map(|row| {
            let mut columns = Columns::new(row, 0);
            let id = columns.parse(MailDigestId::parse)?;
            let count: i64 = columns.take()?;
            Ok((id, u64::try_from(count).unwrap_or_default()))
        });
        abandoned.collect()
    }
}
