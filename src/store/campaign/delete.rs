//! Deleting campaigns that ended long ago, with their reports.

use sea_orm::{ConnectionTrait, Value};

use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;
use crate::store::{Error, Store};

impl Store {
    /// Deletes up to `most` tokens of the oldest campaign that ended before this time, and the campaign itself with the last of them. Returns
    /// whether there was such a campaign.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_ended_campaign(&self, before: Timestamp, most: u32) -> Result<bool, Error> {
        let transaction = self.begin().await?;
        let connection = transaction.connection();
        let sql = || Sql::new(connection.get_database_backend());
        let mut select = sql();
        select.push(
            "SELECT id FROM rotation_campaign WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY id LIMIT 1",
            [before.unix_millis().into()],
        );
        if select.is_postgres() {
            // Another replica is deleting the one that is skipped.
            select.text(" FOR UPDATE SKIP LOCKED");
        }
        let found = connection.query_one_raw(select.statement()).await?;
        let id = found.map(|row| row.try_get_by_index::<String>(0)).transpose()?;
        if let Some(id) = &id {
            let id = || Value::from(id.clone());
            let mut tokens = sql();
            tokens.push(
                "DELETE FROM rotation_campaign_token WHERE campaign_id = ? AND token_id IN
                 (SELECT token_id FROM rotation_campaign_token WHERE campaign_id = ? ORDER BY token_id LIMIT ?)",
                [id(), id(), i64::from(most).into()],
            );
            let deleted = connection.execute_raw(tokens.statement()).await?.rows_affected();
            if deleted < u64::from(most) {
                let mut campaign = sql();
                campaign.push("DELETE FROM rotation_campaign WHERE id = ?", [id()]);
                connection.execute_raw(campaign.statement()).await?;
            }
        }
        transaction.commit().await?;
        Ok(id.is_some())
    }
}
