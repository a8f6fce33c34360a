//! Writing campaigns and their tokens. A transaction locks the campaign first, and then tokens: so there is no deadlock.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Value};

use crate::domain::error_code::ErrorCode;
use crate::domain::id::{CampaignId, TokenId};
use crate::domain::rule::campaign::{Campaign, State};
use crate::store::sql::Sql;
use crate::store::{Error, Transaction};

use super::row::{self, COLUMNS};

impl Transaction {
    /// How many campaigns have not ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_open_campaigns(&self) -> Result<u64, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.text("SELECT count(*) FROM rotation_campaign").indexed_by("rotation_campaign_open_idx");
        sql.text(" WHERE ended_at IS NULL");
        let row = self.connection().query_one_raw(sql.statement()).await?;
        let count = row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }

    /// Adds a campaign.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_campaign(&self, campaign: &Campaign) -> Result<(), Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            &format!("INSERT INTO rotation_campaign ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
            row::values(campaign),
        );
        self.connection().execute_raw(sql.statement()).await?;
        Ok(())
    }

    /// Locks and reads a campaign, waiting for another transaction that has locked it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock_campaign(&self, id: CampaignId) -> Result<Option<Campaign>, Error> {
        row::find(self.connection(), id, " FOR UPDATE").await
    }

    /// Locks and reads a campaign, unless another replica has locked it: that one is working on it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn try_lock_campaign(&self, id: CampaignId) -> Result<Option<Campaign>, Error> {
        row::find(self.connection(), id, " FOR UPDATE SKIP LOCKED").await
    }

    /// Writes what can change of a campaign that this transaction has locked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_campaign(&self, campaign: &Campaign) -> Result<(), Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        let [id, _, _, _, _, _, _, _, _, through, prepared, watched, reason, ending, reported, ended, count, report] =
            row::values(campaign);
        sql.push(
            "UPDATE rotation_campaign SET prepared_through = ?, prepared_at = ?, watched_through = ?, end_reason = ?, ending_at = ?, \
             reported_through = ?, ended_at = ?, token_count = ?, report = ? WHERE id = ?",
            [through, prepared, watched, reason, ending, reported, ended, count, report, id],
        );
        self.connection().execute_raw(sql.statement()).await?;
        Ok(())
    }

    /// Adds tokens to a campaign: each with the newest of its generations that is old, and with why it must not be revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_campaign_members(
        &self,
        campaign: CampaignId,
        members: &[(TokenId, u32, Option<ErrorCode>)],
    ) -> Result<(), Error> {
        if members.is_empty() {
            return Ok(());
        }
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.text("INSERT INTO rotation_campaign_token (campaign_id, token_id, generation, refusal) VALUES ");
        for (number, (token_id, generation, refusal)) in members.iter().enumerate() {
            sql.push(
                if number == 0 { "(?, ?, ?, ?)" } else { ", (?, ?, ?, ?)" },
                [
                    campaign.to_string().into(),
                    token_id.to_string().into(),
                    Value::from(i64::from(*generation)),
                    refusal.map(ErrorCode::as_str).into(),
                ],
            );
        }
        self.connection().execute_raw(sql.statement()).await?;
        Ok(())
    }

    /// Writes what became of tokens by the end of their campaign: the state of each, and why it was not revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_campaign_members(
        &self,
        campaign: CampaignId,
        members: &[(TokenId, State, Option<ErrorCode>)],
    ) -> Result<(), Error> {
        let mut alike: BTreeMap<(State, Option<&str>), Vec<TokenId>> = BTreeMap::new();
        for (token_id, state, refusal) in members {
            alike.entry((*state, refusal.map(ErrorCode::as_str))).or_default().push(*token_id);
        }
        for ((state, refusal), ids) in alike {
            let mut sql = Sql::new(self.connection().get_database_backend());
            sql.push(
                "UPDATE rotation_campaign_token SET ended_as = ?, refusal = ? WHERE campaign_id = ? AND token_id IN (",
                [state.as_str().into(), refusal.into(), campaign.to_string().into()],
            );
            for (number, id) in ids.iter().enumerate() {
                sql.push(if number == 0 { "?" } else { ", ?" }, [id.to_string().into()]);
            }
            sql.text(")");
            self.connection().execute_raw(sql.statement()).await?;
        }
        Ok(())
    }
}
