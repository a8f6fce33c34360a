//! Writing uses of values. Later uses are written in batches: no rule depends on them, so nothing waits for them and nothing is
//! published.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;

use crate::store::entity::{api_token, api_token_value};
use crate::store::{Error, Store, Transaction};

impl Store {
    /// Writes when each of these tokens was last used, unless a later use is known already: all of it or nothing. A token may
    /// occur once; a few thousand fit into one statement.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_uses(&self, uses: &[(TokenId, Timestamp)]) -> Result<(), Error> {
        if uses.is_empty() {
            return Ok(());
        }
        let transaction = self.begin().await?;
        let connection = transaction.connection();
        let backend = connection.get_database_backend();
        if backend == DbBackend::Postgres {
            // In the order of the ids, as all locks are taken, so that no deadlock is possible.
            api_token::Entity::find()
                .select_only()
                .column(api_token::Column::Id)
                .filter(api_token::Column::Id.is_in(uses.iter().map(|(id, _)| id.to_string())))
                .order_by_asc(api_token::Column::Id)
                .lock_exclusive()
                .into_tuple::<String>()
                .all(connection)
                .await?;
        }
        let rows: Vec<String> = (0..uses.len()).map(|row| format!("(${}, ${})", 2 * row + 1, 2 * row + 2)).collect();
        let sql = format!(
            "UPDATE api_token SET last_used_at = used.column2 FROM (VALUES {}) AS used
             WHERE api_token.id = used.column1
               AND (api_token.last_used_at IS NULL OR api_token.last_used_at < used.column2)",
            rows.join(", ")
        );
        let values = uses.iter().flat_map(|(id, at)| [id.to_string().into(), at.unix_millis().into()]);
        connection.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        transaction.commit().await
    }
}

impl Transaction {
    /// Remembers that a value was presented successfully, and that this was its first use if none is known (R5).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_use(&self, id: TokenId, generation: u32, now: Timestamp) -> Result<(), Error> {
        let used = api_token_value::ActiveModel {
            first_used_at: Set(Some(now.unix_millis())),
            salt: Set(None),
            ..Default::default()
        };
        let unused = api_token_value::Column::FirstUsedAt.is_null();
        if api_token_value::update_one(id, generation, used).filter(unused).exec(self.connection()).await?.rows_affected
            > 0
        {
            // A later use changes the moment of the last one only, which decides nothing.
            self.mark_changed(id);
        }
        api_token::Entity::update_many()
            .col_expr(api_token::Column::LastUsedAt, Expr::value(now.unix_millis()))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Claims the recording of a reuse: whether none was recorded for this value since `since` (R8).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_reuse(
        &self,
        id: TokenId,
        generation: u32,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let reused = api_token_value::ActiveModel { reused_at: Set(Some(now.unix_millis())), ..Default::default() };
        let silent = Condition::any()
            .add(api_token_value::Column::ReusedAt.is_null())
            .add(api_token_value::Column::ReusedAt.lte(since.unix_millis()));
        Ok(api_token_value::update_one(id, generation, reused)
            .filter(silent)
            .exec(self.connection())
            .await?
            .rows_affected
            == 1)
    }
}
