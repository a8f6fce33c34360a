//! Writing notices to the outbox, in the transaction of what they are about.

use sea_orm::{ConnectionTrait, Value};

use crate::domain::error_code::ErrorCode;
use crate::domain::notice::Notice;
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;
use crate::store::{Error, Transaction};

use super::row::OWNER_SEPARATOR;

/// How many notices one statement writes. SQLite allows 32,766 parameters, and each takes eleven.
const CHUNK: usize = 500;

impl Transaction {
    /// Writes these notices, in this order, for every webhook that is enabled and for every mail digest that gets them; returns for how many
    /// webhooks. On PostgreSQL this is one statement, on SQLite two. Without webhooks and digests they read two empty tables.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enqueue(&self, notices: &[Notice]) -> Result<u64, Error> {
        let mut written = 0;
        for chunk in notices.chunks(CHUNK) {
            written += self.enqueue_chunk(chunk).await?;
        }
        if written > 0 {
            self.mark_notices_written();
        }
        Ok(written)
    }

    async fn enqueue_chunk(&self, notices: &[Notice]) -> Result<u64, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        push_notices(&mut sql, notices);
        if !sql.is_postgres() {
            // Only PostgreSQL can insert into two tables by one statement.
            let mut digests = Sql::new(self.connection().get_database_backend());
            push_notices(&mut digests, notices);
            digests.text(&format!(" {}", into_digests(false)));
            self.connection().execute_raw(digests.statement()).await?;
        } else {
            sql.text(&format!(", in_digests AS ({})", into_digests(true)));
        }
        let postgres = sql.is_postgres();
        sql.text(&format!(
            " INSERT INTO webhook_delivery (webhook_id, notice_id, kind, token_id, body, created_at, next_attempt_at)
             SELECT webhook.id, notice.id, notice.kind, notice.token_id, notice.body, notice.at, notice.at
             FROM notice CROSS JOIN webhook WHERE webhook.disabled_at IS NULL AND {}",
            gets("webhook", postgres)
        ));
        Ok(self.connection().execute_raw(sql.statement()).await?.rows_affected())
    }
}

/// Adds the notices as a table.
fn push_notices(sql: &mut Sql, notices: &[Notice]) {
    let postgres = sql.is_postgres();
    sql.text(
        "WITH notice (place, id, kind, token_id, name, owner, body, at, deadline, last_used_at, code) AS (VALUES ",
    );
    for (place, notice) in (0_i64..).zip(notices) {
        let subject = notice.subject.as_ref();
        let millis = |at: Option<Timestamp>| at.map(Timestamp::unix_millis);
        let values: [Value; 11] = [
            place.into(),
            notice.id.to_string().into(),
            notice.kind.as_str().into(),
            subject.map(|subject| subject.id.to_string()).into(),
            subject.map(|subject| subject.name.to_string()).into(),
            subject.and_then(|subject| subject.owner.as_deref()).map(str::to_owned).into(),
            notice.message().into(),
            notice.at.unix_millis().into(),
            millis(notice.deadline).into(),
            millis(notice.last_used_at).into(),
            notice.code.map(ErrorCode::as_str).map(str::to_owned).into(),
        ];
        let row = if place > 0 { ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" } else { "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" };
        if postgres && place == 0 {
            sql.push(
                "(?::bigint, ?::text, ?::text, ?::text, ?::text, ?::text, ?::text, ?::bigint, ?::bigint, ?::bigint, ?::text)",
                values,
            );
        } else {
            sql.push(row, values);
        }
    }
    sql.text(")");
}

/// Writes the notices for every mail digest that gets them.
fn into_digests(postgres: bool) -> String {
    format!(
        "INSERT INTO mail_digest_notice (mail_digest_id, kind, token_id, name, owner, created_at, deadline, last_used_at, code)
         SELECT mail_digest.id, notice.kind, notice.token_id, notice.name, notice.owner, notice.at, notice.deadline, notice.last_used_at,
             notice.code
         FROM notice CROSS JOIN mail_digest WHERE {}",
        gets("mail_digest", postgres)
    )
}

/// The rule that says which webhook or mail digest gets a notice, and the order in which it is written for them.
fn gets(table: &str, postgres: bool) -> String {
    let (find, nl) = (if postgres { "strpos" } else { "instr" }, OWNER_SEPARATOR);
    // One that is deleted meanwhile is left out. Without the lock, the foreign key would make this change fail.
    let lock = if postgres { format!(" FOR KEY SHARE OF {table}") } else { String::new() };
    format!(
        "({table}.kinds = '' OR {find}(' ' || {table}.kinds || ' ', ' ' || notice.kind || ' ') > 0)
         AND ({table}.owners = '' OR {find}('{nl}' || {table}.owners || '{nl}', '{nl}' || notice.owner || '{nl}') > 0)
         ORDER BY notice.place, {table}.id{lock}"
    )
}
