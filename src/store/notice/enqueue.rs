//! Writing notices to the outbox, in the transaction of what they are about.

use sea_orm::{ConnectionTrait, Value};

use crate::domain::notice::Notice;
use crate::store::sql::Sql;
use crate::store::{Error, Transaction};

use super::row::OWNER_SEPARATOR;

/// How many notices one statement writes. SQLite allows 32,766 parameters.
const CHUNK: usize = 500;

impl Transaction {
    /// Writes these notices, in this order, for every webhook that is enabled and gets them; returns for how many deliveries. Without webhooks this
    /// is one read of an empty table.
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
        let postgres = sql.is_postgres();
        sql.text("WITH notice (place, id, kind, token_id, owner, body, at) AS (VALUES ");
        for (place, notice) in (0_i64..).zip(notices) {
            let subject = notice.subject.as_ref();
            let values: [Value; 7] = [
                place.into(),
                notice.id.to_string().into(),
                notice.kind.as_str().into(),
                subject.map(|subject| subject.id.to_string()).into(),
                subject.and_then(|subject| subject.owner.as_deref()).map(str::to_owned).into(),
                notice.message().into(),
                notice.at.unix_millis().into(),
            ];
            let row = if place > 0 { ", (?, ?, ?, ?, ?, ?, ?)" } else { "(?, ?, ?, ?, ?, ?, ?)" };
            if postgres && place == 0 {
                sql.push("(?::bigint, ?::text, ?::text, ?::text, ?::text, ?::text, ?::bigint)", values);
            } else {
                sql.push(row, values);
            }
        }
        let find = if postgres { "strpos" } else { "instr" };
        sql.text(&format!(
            ") INSERT INTO webhook_delivery (webhook_id, notice_id, kind, token_id, body, created_at, next_attempt_at)
             SELECT webhook.id, notice.id, notice.kind, notice.token_id, notice.body, notice.at, notice.at
             FROM notice CROSS JOIN webhook
             WHERE webhook.disabled_at IS NULL
             AND (webhook.kinds = '' OR {find}(' ' || webhook.kinds || ' ', ' ' || notice.kind || ' ') > 0)
             AND (webhook.owners = '' OR {find}('{nl}' || webhook.owners || '{nl}', '{nl}' || notice.owner || '{nl}') > 0)
             ORDER BY notice.place, webhook.id",
            nl = OWNER_SEPARATOR
        ));
        if postgres {
            // A webhook that is deleted meanwhile is left out. Without the lock, the foreign key would make this change fail.
            sql.text(" FOR KEY SHARE OF webhook");
        }
        Ok(self.connection().execute_raw(sql.statement()).await?.rows_affected())
    }
}
