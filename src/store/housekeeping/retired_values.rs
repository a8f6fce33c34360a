//! Deleting values that were retired long ago, a few hundred at a time so that other writers wait only briefly.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::domain::timestamp::Timestamp;
use crate::store::{Error, Store};

/// The key of an advisory lock: any constant. If several replicas do this at the same time, one of them does the work.
const SWEEP_LOCK: i64 = 0x726f_7461_6b65_7903;

/// The retired values without a date of retirement: an overlap that is ended early leaves none. A value that is neither the current
/// nor the previous one is retired for good.
const UNDATED: &str = "SELECT old.token_id, old.generation FROM api_token_value AS old
    JOIN api_token AS token ON token.id = old.token_id
    WHERE old.replaced_at IS NOT NULL AND old.retires_at IS NULL AND old.generation <> token.generation
      AND (token.previous_generation IS NULL OR token.previous_generation <> old.generation)";

impl Store {
    /// Deletes up to `most` values that stopped working by this time, oldest first; returns how many. It never deletes a current
    /// value, or a previous one that still works.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_retired_values(&self, by: Timestamp, most: u32) -> Result<u64, Error> {
        // A current value has no `retires_at`; a CHECK constraint guarantees that.
        let retired = format!(
            "SELECT token_id, generation FROM api_token_value WHERE retires_at <= {} ORDER BY retires_at LIMIT {most}",
            by.unix_millis()
        );
        let skip = self.skip_locked("seen");
        self.sweep(&format!(
            "DELETE FROM api_token_value_user WHERE (token_id, generation, address, user_agent) IN (
                 SELECT token_id, generation, address, user_agent FROM api_token_value_user AS seen
                 WHERE (token_id, generation) IN ({retired}){skip})"
        ))
        .await?;
        self.sweep(&format!("DELETE FROM api_token_value WHERE (token_id, generation) IN ({retired})")).await
    }

    /// Sets the date of retirement of up to `most` retired values that have none; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn date_retired_values(&self, now: Timestamp, most: u32) -> Result<u64, Error> {
        let (now, skip) = (now.unix_millis(), self.skip_locked("old"));
        self.sweep(&format!(
            "UPDATE api_token_value SET retires_at = {now} WHERE (token_id, generation) IN ({UNDATED} LIMIT {most}{skip})"
        ))
        .await
    }

    /// When the first value was issued, at this moment or later, that is the current or previous one of a token that is not
    /// revoked. Values that nobody knows do not count.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_value_since(&self, moment: Timestamp) -> Result<Option<Timestamp>, Error> {
        let sql = "SELECT min(value.created_at) FROM api_token_value AS value JOIN api_token AS token ON token.id = value.token_id
            WHERE value.created_at >= $1 AND token.revoked_at IS NULL
              AND value.generation IN (token.generation, token.previous_generation)
              AND NOT (value.generation > 1 AND value.created_by IS NULL)";
        let backend = self.read.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, [moment.unix_millis().into()]);
        let first = match self.read.query_one_raw(statement).await? {
            Some(row) => row.try_get_by_index::<Option<i64>>(0)?,
            None => None,
        };
        Ok(first.map(Timestamp::from_unix_millis))
    }

    /// What skips rows of this table that another transaction is changing, so that there is no deadlock.
    pub(super) fn skip_locked(&self, table: &str) -> String {
        match self.write.get_database_backend() {
            DbBackend::Postgres => format!(" FOR UPDATE OF {table} SKIP LOCKED"),
            _ => String::new(),
        }
    }

    /// Runs a statement that ends in a condition; returns how many rows it changed.
    pub(super) async fn sweep(&self, sql: &str) -> Result<u64, Error> {
        let transaction = self.begin().await?;
        let backend = transaction.connection().get_database_backend();
        let alone = match backend {
            DbBackend::Postgres => format!(" AND (SELECT pg_try_advisory_xact_lock({SWEEP_LOCK}))"),
            _ => String::new(),
        };
        let statement = Statement::from_string(backend, format!("{sql}{alone}"));
        let rows = transaction.connection().execute_raw(statement).await?.rows_affected();
        transaction.commit().await?;
        Ok(rows)
    }
}
