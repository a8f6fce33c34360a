//! Finding the values that the operator's command `retire-values` is to retire, or has retired.

use sea_orm::{ConnectionTrait, Statement};

use crate::domain::audit::Action;
use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::store::token::columns;
use crate::store::{Error, Transaction};

impl Transaction {
    /// The next tokens after this one, ordered by id, that are not revoked and have a current or previous value that was issued
    /// before this time.
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
        rows.iter().map(|row| columns::token_id(&row.try_get_by_index::<String>(0)?)).collect()
    }

    /// Whether the operator retired the value of this generation. Then it stopped working at the time of an event of that action in
    /// the audit log, or at the time when a later value was issued by the operator and withheld.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn was_retired_by_operator(&self, id: TokenId, generation: u32) -> Result<bool, Error> {
        // Audit events may be deleted earlier than values, so a withheld value is also proof.
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
