//! Erasing salts that no repeated request can use any more.

use sea_orm::{ConnectionTrait, Statement};

use crate::domain::timestamp::Timestamp;
use crate::store::{Error, Store};

use super::silent_values::MILLIS_PER_MINUTE;

impl Store {
    /// Erases every salt that no request can use any more (R6): that of a rotation without a running overlap, and that of a revival, which
    /// leaves no previous value, after as long as an overlap. Returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_stale_salts(&self, now: Timestamp) -> Result<u64, Error> {
        let sql = format!(
            "UPDATE api_token_value SET salt = NULL WHERE salt IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM api_token AS token LEFT JOIN api_token_value AS previous
                 ON previous.token_id = token.id AND previous.generation = token.previous_generation
                 WHERE token.id = api_token_value.token_id AND CASE
                     WHEN token.previous_generation IS NULL
                     THEN api_token_value.created_at + api_token_value.overlap_minutes * {minute} > {now}
                     ELSE previous.generation IS NOT NULL AND (previous.retires_at IS NULL OR previous.retires_at > {now}) END
                   AND token.revoked_at IS NULL AND (token.expires_at IS NULL OR token.expires_at > {now}))",
            now = now.unix_millis(),
            minute = MILLIS_PER_MINUTE
        );
        let transaction = self.begin().await?;
        let statement = Statement::from_string(transaction.connection().get_database_backend(), sql);
        let erased = transaction.connection().execute_raw(statement).await?.rows_affected();
        transaction.commit().await?;
        Ok(erased)
    }
}
