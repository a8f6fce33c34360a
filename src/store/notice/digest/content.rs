//! Reading what a mail says.

use sea_orm::{ConnectionTrait, QueryResult};

use crate::domain::id::{MailDigestId, MailId, TokenId};
use crate::domain::notice::{DigestContent, DigestLine, DigestSection, NoticeKind};
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::{Error, Store};

impl Store {
    /// What a mail says whose notices have been gathered, which do not change any more; empty if its digest was deleted. At most `listed` tokens of
    /// each kind are named, those whose deadline was over when the mail was first attempted after the others. There may be very many
    /// notices, so this is no part of a transaction that others wait for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mail_content(
        &self,
        (digest, mail): (MailDigestId, MailId),
        first_attempt_at: Timestamp,
        listed: u32,
    ) -> Result<DigestContent, Error> {
        let mut sql = Sql::new(self.read.get_database_backend());
        sql.text("SELECT kind, count(*) FROM (SELECT kind, token_id FROM mail_digest_notice");
        sql.indexed_by("mail_digest_notice_mail_idx").push(
            " WHERE mail_digest_id = ? AND mail_id = ? GROUP BY kind, token_id) AS about GROUP BY kind ORDER BY kind",
            [digest.to_string().into(), mail.to_string().into()],
        );
        let rows = self.read.query_all_raw(sql.statement()).await?;
        let mut sections = Vec::new();
        for row in &rows {
            let mut columns = Columns::new(row, 0);
            let (kind, count): (String, i64) = (columns.take()?, columns.take()?);
            let lines = self.mail_lines((digest, mail), &kind, first_attempt_at, listed).await?;
            let count = u64::try_from(count).unwrap_or_default();
            sections.push(DigestSection { kind: NoticeKind::parse(&kind), count, lines });
        }
        Ok(DigestContent::of(sections))
    }

    /// The first tokens of a kind, each by its last notice: those whose deadline is next, or whose notice is newest.
    async fn mail_lines(
        &self,
        (digest, mail): (MailDigestId, MailId),
        kind: &str,
        first_attempt_at: Timestamp,
        most: u32,
    ) -> Result<Vec<DigestLine>, Error> {
        let mut sql = Sql::new(self.read.get_database_backend());
        sql.text(
            "SELECT token_id, name, owner, created_at, deadline, last_used_at, code FROM mail_digest_notice
             WHERE number IN (SELECT max(number) FROM mail_digest_notice",
        );
        sql.indexed_by("mail_digest_notice_mail_idx").push(
            " WHERE mail_digest_id = ? AND mail_id = ? AND kind = ? GROUP BY token_id)
             ORDER BY deadline <= ?, deadline, number DESC LIMIT ?",
            [
                digest.to_string().into(),
                mail.to_string().into(),
                kind.into(),
                first_attempt_at.unix_millis().into(),
                i64::from(most).into(),
            ],
        );
        let rows = self.read.query_all_raw(sql.statement()).await?;
        rows.iter().map(|row| line(row, first_attempt_at)).collect()
    }
}

fn line(row: &QueryResult, first_attempt_at: Timestamp) -> Result<DigestLine, Error> {
    let mut columns = Columns::new(row, 0);
    let (token_id, name, owner) = (columns.text()?, columns.text()?, columns.text()?);
    let (at, deadline) = (columns.moment()?, columns.moment_if_any()?);
    Ok(DigestLine {
        token_id: token_id.and_then(|id| TokenId::parse(&id)),
        name,
        owner,
        at,
        deadline,
        is_over: deadline.is_some_and(|deadline| deadline <= first_attempt_at),
        last_used_at: columns.moment_if_any()?,
        code: columns.text()?,
    })
}
