//! Writing down later uses of values, many at once. They decide nothing, so nobody waits for them and nobody is told.

use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;

use crate::store::entity::api_token;
use crate::store::{Error, Store};

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
            // In the order of the ids, as everybody locks, so that two transactions never wait for each other.
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
