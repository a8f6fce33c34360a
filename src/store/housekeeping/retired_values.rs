//! Retired values: deleting old ones, a few hundred at a time so that other writers wait only briefly, and finding what the
//! operator is to retire, or has retired.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;

use crate::store::token::rows;
use crate::store::{Error, Store, Transaction};

/// Any constant of ours: of replicas that sweep at the same time, one does.
const SWEEP_LOCK: i64 = 0x726f_7461_6b65_7903;

/// The retired values of which it is not written down when they stopped working: an overlap that was ended at once leaves no
/// date. A value that is neither current nor previous is retired for good.
const UNDATED: &str = "SELECT old.token_id, old.generation FROM api_token_value AS old
    JOIN api_token AS token ON token.id = old.token_id
    WHERE old.replaced_at IS NOT NULL AND old.retires_at IS NULL AND old.generation <> token.generation
      AND (token.previous_generation IS NULL OR token.previous_generation <> old.generation)";

impl Store {
    /// Deletes up to `most` values that stopped working by this moment, the oldest first; how many. The current value of a
    /// token is never among them, nor a previous one that works.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_retired_values(&self, by: Timestamp, most: u32) -> Result<u64, Error> {
        // A current value has no `retires_at`; the table has a check of that.
        let by = by.unix_millis();
        self.sweep(&format!(
            "DELETE FROM api_token_value WHERE (token_id, generation) IN (SELECT token_id, generation FROM api_token_value
                 WHERE retires_at <= {by} ORDER BY retires_at LIMIT {most})"
        ))
        .await
    }

    /// Gives up to `most` retired values that have none this moment as the date of their retirement; how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn date_retired_values(&self, now: Timestamp, most: u32) -> Result<u64, Error> {
        let now = now.unix_millis();
        self.sweep(&format!(
            "UPDATE api_token_value SET retires_at = {now} WHERE (token_id, generation) IN ({UNDATED} LIMIT {most})"
        ))
        .await
    }

    /// Runs a statement that ends in a condition; how many rows it was about.
    async fn sweep(&self, sql: &str) -> Result<u64, Error> {
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

impl Transaction {
    /// The next tokens after this one, in the order of their ids, that are not revoked and have a current or previous value that was
    /// issued before this moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens_with_values_before(
        &self,
        moment: Timestamp,
        after: Option<TokenId>,
        most: u32,
    ) -> Result<Vec<TokenId>, Error> {
        let sql = format!(
            "SELECT token.id FROM api_token AS token WHERE token.id > $1 AND token.revoked_at IS NULL AND EXISTS (
                 SELECT 1 FROM api_token_value AS value WHERE value.token_id = token.id AND value.created_at < $2
                   AND value.generation IN (token.generation, token.previous_generation))
             ORDER BY token.id LIMIT {most}"
        );
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let values = [after.into(), moment.unix_millis().into()];
        let backend = self.connection().get_database_backend();
        let rows = self.connection().query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        rows.iter().map(|row| rows::token_id(&row.try_get_by_index::<String>(0)?)).collect()
    }

    /// Whether the value of this generation worked until the operator retired it: it stopped at the very moment that the audit log
    /// gives for that, or at which the operator put one that is withheld into its place, or into that of the one after it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn was_retired_by_operator(&self, id: TokenId, generation: u32) -> Result<bool, Error> {
        // The audit log may be kept for less long than values are, so a value that is withheld is proof by itself.
        const SQL: &str = "SELECT 1 FROM api_token_value AS old WHERE old.token_id = $1 AND old.generation = $2 AND (
            EXISTS (SELECT 1 FROM api_token_value AS withheld
                WHERE withheld.token_id = old.token_id AND withheld.generation > old.generation
                  AND withheld.created_by IS NULL AND withheld.created_at = old.retires_at)
            OR EXISTS (SELECT 1 FROM audit_event AS event
                WHERE event.token_id = old.token_id AND event.action = $3 AND event.at = old.retires_at))";
        let values = [id.to_string().into(), i64::from(generation).into(), Action::ValuesRetired.as_str().into()];
        let backend = self.connection().get_database_backend();
        let row = self.connection().query_one_raw(Statement::from_sql_and_values(backend, SQL, values)).await?;
        Ok(row.is_some())
    }
}
