//! Counting tokens for the metrics and for `tokenCounts`: from indexes, and so many at a time that no statement takes long.

use sea_orm::ConnectionTrait;

use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::Status;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::TokenKind;

use crate::store::list::{Unswept, is_due};
use crate::store::sql::Sql;
use crate::store::token::columns;
use crate::store::{Error, Store};

/// A position in the index by owner: an owner, a status, a kind and an id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnerPosition([String; 4]);

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

    /// How many of the next so many tokens that have an owner, after this position, each owner has, by owner; and the last position, if
    /// there may be more. An owner whose tokens do not end there is met again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_by_owner(
        &self,
        after: &OwnerPosition,
        most: u32,
    ) -> Result<(Vec<(String, u64)>, Option<OwnerPosition>), Error> {
        let mut sql = Sql::new(self.listings.get_database_backend());
        sql.text("SELECT owner, swept_status, kind, count(*), max(id) FROM (SELECT owner, swept_status, kind, id FROM api_token");
        let [owner, status, kind, id] = after.0.clone();
        sql.indexed_by("api_token_owner_idx").push(
            " WHERE owner IS NOT NULL AND (owner, swept_status, kind, id) > (?, ?, ?, ?)
             ORDER BY owner, swept_status, kind, id LIMIT ?",
            [owner.into(), status.into(), kind.into(), id.into(), i64::from(most).into()],
        );
        sql.text(") AS slice GROUP BY owner, swept_status, kind ORDER BY owner, swept_status, kind");
        let _permit = self.listing_permit().await?;
        let rows = self.listings.query_all_raw(sql.statement()).await?;
        let (mut owners, mut last, mut counted) = (Vec::<(String, u64)>::new(), None, 0);
        for row in rows {
            let (owner, count): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(3)?);
            let count = u64::try_from(count).unwrap_or_default();
            counted += count;
            last = Some(OwnerPosition([
                owner.clone(),
                row.try_get_by_index(1)?,
                row.try_get_by_index(2)?,
                row.try_get_by_index(4)?,
            ]));
            match owners.last_mut() {
                Some((known, known_count)) if *known == owner => *known_count += count,
                _ => owners.push((owner, count)),
            }
        }
        Ok((owners, last.filter(|_| counted == u64::from(most))))
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
