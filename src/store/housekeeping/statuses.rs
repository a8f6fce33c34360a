//! Writing the status of tokens into `swept_status`, for listings. The status depends on the time, so no index can be ordered by
//! it. Only listings read the column, as a hint, and they check the timestamps as well.

use sea_orm::{ConnectionTrait, Value};

use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;

use crate::store::list::{Unswept, has_status, is_due};
use crate::store::sql::Sql;
use crate::store::{Error, Store, Transaction};

/// How many tokens one transaction changes; other writers wait for it.
const BATCH: u64 = 500;

impl Store {
    /// Writes the status that tokens have at this time, if it has changed; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_statuses(&self, at: Timestamp) -> Result<u64, Error> {
        let mut all = 0;
        // The most final status first, in the order of `status`.
        for status in [Status::Revoked, Status::Expired, Status::RotationOverdue, Status::Active] {
            for unswept in Unswept::reaching(status) {
                loop {
                    let transaction = self.begin().await?;
                    let swept = transaction.sweep(status, *unswept, at).await?;
                    transaction.commit().await?;
                    all += swept;
                    if swept < BATCH {
                        break;
                    }
                }
            }
        }
        Ok(all)
    }
}

impl Transaction {
    async fn sweep(&self, status: Status, unswept: Unswept, at: Timestamp) -> Result<u64, Error> {
        let connection = self.connection();
        let sql = || Sql::new(connection.get_database_backend());
        let mut select = sql();
        select.text("SELECT api_token.id FROM ");
        if unswept == Unswept::Overdue {
            // Also those of tokens that ended for another reason, so that they are not found again each time.
            is_due(&mut select, at);
        } else {
            unswept.write(&mut select, at);
        }
        select.push(" LIMIT ?", [BATCH.into()]);
        if select.is_postgres() {
            // Rows that another transaction is changing are skipped, so there is no deadlock.
            select.text(" FOR UPDATE OF api_token SKIP LOCKED");
        }
        let found = connection.query_all_raw(select.statement()).await?;
        let ids = found.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<String>, _>>()?;
        if ids.is_empty() {
            return Ok(0);
        }
        let mut update = sql();
        update.push("UPDATE api_token SET swept_status = ? WHERE ", [status.as_str().into()]);
        has_status(&mut update, status, at);
        push_in_list(&mut update, "id", &ids);
        let swept = connection.execute_raw(update.statement()).await?.rows_affected();
        if unswept != Unswept::Overdue {
            return Ok(swept);
        }
        let mut update = sql();
        let now = || Value::from(at.unix_millis());
        update.push(
            "UPDATE api_token_value SET overdue_at = (SELECT CASE WHEN rotation_period_minutes * 60000 + \
             api_token_value.created_at > ? THEN rotation_period_minutes * 60000 + api_token_value.created_at END \
             FROM api_token WHERE api_token.id = api_token_value.token_id) \
             WHERE replaced_at IS NULL AND overdue_at <= ?",
            [now(), now()],
        );
        push_in_list(&mut update, "token_id", &ids);
        Ok(connection.execute_raw(update.statement()).await?.rows_affected())
    }
}

/// Adds the condition that a column is one of these ids.
pub(super) fn push_in_list(sql: &mut Sql, column: &str, ids: &[String]) {
    sql.text(&format!(" AND {column} IN ("));
    for (number, id) in ids.iter().enumerate() {
        sql.push(if number == 0 { "?" } else { ", ?" }, [id.clone().into()]);
    }
    sql.text(")");
}
