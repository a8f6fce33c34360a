//! Writing the sort keys of new tokens. Listings read a token that has none yet from an index of such tokens.

use sea_orm::ConnectionTrait;

use crate::domain::listing::SortKey;
use crate::store::sql::Sql;
use crate::store::{Error, Store, Transaction};

use super::statuses::push_in_list;

/// How many tokens one transaction changes; other writers wait for it.
const BATCH: u64 = 500;

impl Store {
    /// Writes the sort keys of the next tokens that have none; returns whether there may be more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_sort_keys(&self) -> Result<bool, Error> {
        let transaction = self.begin().await?;
        let written = transaction.write_sort_keys().await?;
        transaction.commit().await?;
        Ok(written == BATCH)
    }
}

impl Transaction {
    async fn write_sort_keys(&self) -> Result<u64, Error> {
        let connection = self.connection();
        let sql = || Sql::new(connection.get_database_backend());
        let mut select = sql();
        select.text("SELECT id FROM api_token").indexed_by("api_token_unsorted_idx");
        select.push(" WHERE NOT has_sort_keys ORDER BY id LIMIT ?", [BATCH.into()]);
        if select.is_postgres() {
            // Rows that another transaction is changing are skipped, so there is no deadlock.
            select.text(" FOR UPDATE SKIP LOCKED");
        }
        let found = connection.query_all_raw(select.statement()).await?;
        let ids = found.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<String>, _>>()?;
        if ids.is_empty() {
            return Ok(0);
        }
        // While a token is locked, no use of it is written.
        let mut insert = sql();
        insert.text(&format!(
            "INSERT INTO api_token_sort_key (token_id, created_by, expires_at, rotate_by, last_used_at, previous_used_at)
             SELECT token.id, token.created_by, coalesce(token.expires_at, {never}),
                 CASE WHEN token.rotation_period_minutes IS NULL THEN {never} WHEN latest.overdue_at IS NULL
                     THEN token.rotation_period_minutes * 60000 + latest.created_at END,
                 coalesce(token.last_used_at, {not_yet}),
                 (SELECT CASE WHEN previous.first_used_at > coalesce(previous.last_used_at, 0) THEN previous.first_used_at
                     ELSE previous.last_used_at END FROM api_token_value AS previous
                  WHERE previous.token_id = token.id AND previous.generation = token.previous_generation)
             FROM api_token AS token CROSS JOIN api_token_value AS latest
             WHERE latest.token_id = token.id AND latest.generation = token.generation",
            never = SortKey::NEVER,
            not_yet = SortKey::NOT_YET,
        ));
        push_in_list(&mut insert, "token.id", &ids);
        // A token that was restored by hand may have some.
        insert.text(" ON CONFLICT (token_id) DO NOTHING");
        connection.execute_raw(insert.statement()).await?;
        let mut update = sql();
        update.text("UPDATE api_token SET has_sort_keys = true WHERE NOT has_sort_keys");
        push_in_list(&mut update, "id", &ids);
        Ok(connection.execute_raw(update.statement()).await?.rows_affected())
    }
}
