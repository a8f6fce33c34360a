//! Sorting tokens by their status for listings. Status follows from moments and the time, and no index is ordered by that; so
//! housekeeping writes down which tokens have come to another. Nothing but listings looks at it, and they ask the moments too.

use sea_orm::{ConnectionTrait, Value};

use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;

use crate::store::list::{has_status, is_due, is_unswept};
use crate::store::sql::Sql;
use crate::store::{Error, Store, Transaction};

/// How many tokens are swept in one transaction, behind which others wait.
const SWEPT_TOGETHER: u64 = 500;

impl Store {
    /// Writes down the status, as of this moment, of tokens that came to another; how many they were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_statuses(&self, at: Timestamp) -> Result<u64, Error> {
        let mut all = 0;
        // Of the reasons to be dead the most final one first, as `status` has them.
        for status in [Status::Revoked, Status::Expired, Status::RotationOverdue] {
            loop {
                let transaction = self.begin().await?;
                let swept = transaction.sweep(status, at).await?;
                transaction.commit().await?;
                all += swept;
                if swept < SWEPT_TOGETHER {
                    break;
                }
            }
        }
        Ok(all)
    }
}

impl Transaction {
    async fn sweep(&self, status: Status, at: Timestamp) -> Result<u64, Error> {
        let connection = self.connection();
        let sql = || Sql::new(connection.get_database_backend());
        let mut select = sql();
        select.text("SELECT api_token.id FROM ");
        if status == Status::RotationOverdue {
            // Also of tokens that ended otherwise: their values are not to be looked at again and again.
            is_due(&mut select, at);
        } else {
            is_unswept(&mut select, status, at);
        }
        select.push(" LIMIT ?", [SWEPT_TOGETHER.into()]);
        if select.is_postgres() {
            // Rows that are being changed are skipped, so that no deadlock is possible.
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
        one_of(&mut update, "id", &ids);
        let swept = connection.execute_raw(update.statement()).await?.rows_affected();
        if status != Status::RotationOverdue {
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
        one_of(&mut update, "token_id", &ids);
        Ok(connection.execute_raw(update.statement()).await?.rows_affected())
    }
}

fn one_of(sql: &mut Sql, column: &str, ids: &[String]) {
    sql.text(&format!(" AND {column} IN ("));
    for (number, id) in ids.iter().enumerate() {
        sql.push(if number == 0 { "?" } else { ", ?" }, [id.clone().into()]);
    }
    sql.text(")");
}
