//! Counting tokens for the metrics: from indexes, and so many at a time that no statement takes long.

use sea_orm::ConnectionTrait;

use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenKind;

use crate::store::list::{Unswept, is_due};
use crate::store::sql::Sql;
use crate::store::token::columns;
use crate::store::{Error, Store};

impl Store {
    /// How many of the next so many tokens, by id, after this one housekeeping found to have this status, and the last of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_tokens(
        &self,
        status: Status,
        kind: TokenKind,
        after: Option<TokenId>,
        most: u32,
    ) -> Result<(u64, Option<TokenId>), Error> {
        let mut sql = Sql::new(self.listings.get_database_backend());
        sql.text("SELECT count(*), max(slice.id) FROM (SELECT id FROM api_token").indexed_by("api_token_listed_idx");
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        sql.push(
            " WHERE swept_status = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?",
            [status.as_str().into(), kind.as_str().into(), after.into(), i64::from(most).into()],
        );
        sql.text(") AS slice");
        let _permit = self.listing_permit().await?;
        let Some(row) = self.listings.query_one_raw(sql.statement()).await? else { return Ok((0, None)) };
        let count: i64 = row.try_get_by_index(0)?;
        let last: Option<String> = row.try_get_by_index(1)?;
        Ok((u64::try_from(count).unwrap_or_default(), last.map(|id| columns::token_id(&id)).transpose()?))
    }

    /// How many tokens that work expire after this moment and until that one, counted up to so many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_expiring(&self, now: Timestamp, until: Timestamp, most: u32) -> Result<u64, Error> {
        let mut sql = Sql::new(self.listings.get_database_backend());
        sql.text("SELECT count(*) FROM (SELECT 1 AS one FROM ");
        Unswept::Expired
            .write(&mut sql, until)
            .push(" AND api_token.expires_at > ? AND api_token.swept_status = 'ACTIVE'", [now.unix_millis().into()]);
        self.count(sql, most).await
    }

    /// How many active tokens fall overdue after this moment and until that one, counted up to so many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_rotation_due(&self, now: Timestamp, until: Timestamp, most: u32) -> Result<u64, Error> {
        let mut sql = Sql::new(self.listings.get_database_backend());
        sql.text("SELECT count(*) FROM (SELECT 1 AS one FROM ");
        is_due(&mut sql, until)
            .push(" AND due.overdue_at > ? AND api_token.swept_status = 'ACTIVE'", [now.unix_millis().into()]);
        self.count(sql, most).await
    }

    async fn count(&self, mut sql: Sql, most: u32) -> Result<u64, Error> {
        sql.push(" LIMIT ?", [i64::from(most).into()]).text(") AS soon");
        let _permit = self.listing_permit().await?;
        let row = self.listings.query_one_raw(sql.statement()).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}
