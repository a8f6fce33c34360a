//! Finding tokens whose previous value may be silent (R15). The rule decides, on a token that is locked.

use sea_orm::{ConnectionTrait, Value};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::OverlapEnd;
use crate::store::sql::Sql;
use crate::store::token::columns;
use crate::store::{Error, Store};

pub(super) const MILLIS_PER_MINUTE: i64 = 60_000;

impl Store {
    /// The next so many tokens, by id, after this one, whose previous value has an overlap that may end by silence, and was not used for
    /// the time that this takes, as far as that was written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_silent(&self, now: Timestamp, after: Option<TokenId>, most: u32) -> Result<Vec<TokenId>, Error> {
        let mut sql = Sql::new(self.read.get_database_backend());
        sql.text("SELECT token.id FROM api_token AS token").indexed_by("api_token_when_silent_idx");
        // With CROSS, SQLite joins in the order in which the tables are written.
        sql.text(
            " CROSS JOIN api_token_value AS old CROSS JOIN api_token_value AS new
             WHERE old.token_id = token.id AND old.generation = token.previous_generation
               AND new.token_id = token.id AND new.generation = token.generation",
        );
        // Every replica knows of a use a minute later (R14).
        let silent = "((token.silent_minutes + 1) * ?)";
        let now = now.unix_millis();
        // Written out, because SQLite uses a partial index only for a constant.
        sql.text(&format!(" AND token.overlap_ends = '{}'", OverlapEnd::WhenSilent.as_str()));
        sql.push(" AND token.revoked_at IS NULL AND old.retires_at > ?", [now.into()]);
        for last in
            ["new.first_used_at", "old.replaced_at", "coalesce(old.last_used_at, 0)", "coalesce(old.first_used_at, 0)"]
        {
            sql.push(&format!(" AND {last} + {silent} <= ?"), [MILLIS_PER_MINUTE.into(), now.into()]);
        }
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        sql.push(" AND token.id > ? ORDER BY token.id LIMIT ?", [after.into(), Value::from(i64::from(most))]);
        let rows = self.read.query_all_raw(sql.statement()).await?;
        rows.iter().map(|row| columns::token_id(&row.try_get_by_index::<String>(0)?)).collect()
    }
}
