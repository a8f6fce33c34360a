//! Reading the tokens of a campaign with their states, in slices of bounded length, so that a million of them takes little memory.

use sea_orm::{ConnectionTrait, QueryResult};

use crate::domain::error_code::ErrorCode;
use crate::domain::id::{CampaignId, TokenId};
use crate::domain::rule::campaign::State;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::store::sql::Sql;
use crate::store::token::columns;
use crate::store::token::read::{self, TokenRows};
use crate::store::{Error, Store, Transaction};

use super::state::select_members;

/// One token of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which token.
    pub token_id: TokenId,
    /// The newest of its generations that is old for the campaign.
    pub old_generation: u32,
    /// Why it must not be revoked at the deadline.
    pub refusal: Option<ErrorCode>,
    /// Its state: that at the end of the campaign, if that has come.
    pub state: State,
}

/// How many of the next members have a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberCount {
    /// By state, and whether they must not be revoked at the deadline.
    pub counts: Vec<(State, bool, u64)>,
    /// The last of them; `None` if there are no more.
    pub last: Option<TokenId>,
}

impl Store {
    /// The next so many tokens of a campaign after this one, in the order of their ids.
    ///
    /// # Errors
    /// When the database fails, or this takes too long.
    pub async fn campaign_members(
        &self,
        campaign: CampaignId,
        after: Option<TokenId>,
        most: u32,
        now: Timestamp,
    ) -> Result<Vec<Member>, Error> {
        let _permit = self.listing_permit().await?;
        let backend = self.listings.get_database_backend();
        members(&self.listings, campaign, after, most, now).await.map_err(|err| listing(err, backend))
    }

    /// Counts the next so many tokens of a campaign by their state.
    ///
    /// # Errors
    /// When the database fails, or this takes too long.
    pub async fn count_campaign_members(
        &self,
        campaign: CampaignId,
        after: Option<TokenId>,
        most: u32,
        now: Timestamp,
    ) -> Result<MemberCount, Error> {
        let _permit = self.listing_permit().await?;
        let backend = self.listings.get_database_backend();
        let mut sql = Sql::new(backend);
        sql.text("SELECT state, refusal IS NOT NULL, count(*), max(token_id) FROM (");
        select_members(&mut sql, campaign, after, most, now);
        sql.text(") AS members GROUP BY 1, 2");
        let rows = self.listings.query_all_raw(sql.statement()).await;
        let rows = rows.map_err(|err| Error::of_listing(err, backend))?;
        let mut counted = MemberCount::default();
        for row in &rows {
            let count = u64::try_from(row.try_get_by_index::<i64>(2)?).unwrap_or_default();
            counted.counts.push((state(&row.try_get_by_index::<String>(0)?)?, row.try_get_by_index(1)?, count));
            let last = columns::token_id(&row.try_get_by_index::<String>(3)?)?;
            counted.last = counted.last.max(Some(last));
        }
        Ok(counted)
    }

    /// The tokens of these ids, in no particular order. Those that do not exist are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_tokens(&self, ids: &[TokenId]) -> Result<Vec<Token>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let backend = self.read.get_database_backend();
        let mut sql = Sql::new(backend);
        sql.text(read::select(backend));
        sql.text(&format!(" FROM api_token JOIN api_token_value ON {} WHERE api_token.id IN (", read::JOIN_VALUES));
        for (number, id) in ids.iter().enumerate() {
            sql.push(if number == 0 { "?" } else { ", ?" }, [id.to_string().into()]);
        }
        sql.text(")");
        if sql.is_postgres() {
            sql.text(" ORDER BY api_token.id");
        }
        TokenRows::query(&self.read, sql.statement()).await?.read()?.tokens()
    }
}

impl Transaction {
    /// As [`Store::campaign_members`], as this transaction sees them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn campaign_members(
        &self,
        campaign: CampaignId,
        after: Option<TokenId>,
        most: u32,
        now: Timestamp,
    ) -> Result<Vec<Member>, Error> {
        members(self.connection(), campaign, after, most, now).await
    }
}

async fn members(
    connection: &impl ConnectionTrait,
    campaign: CampaignId,
    after: Option<TokenId>,
    most: u32,
    now: Timestamp,
) -> Result<Vec<Member>, Error> {
    let mut sql = Sql::new(connection.get_database_backend());
    select_members(&mut sql, campaign, after, most, now);
    sql.text(" ORDER BY member.token_id");
    connection.query_all_raw(sql.statement()).await?.iter().map(member).collect()
}

fn member(row: &QueryResult) -> Result<Member, Error> {
    let refusal = row.try_get_by_index::<Option<String>>(2)?;
    let code = |name: String| ErrorCode::parse(&name).unwrap_or(ErrorCode::Forbidden);
    Ok(Member {
        token_id: columns::token_id(&row.try_get_by_index::<String>(0)?)?,
        old_generation: columns::to_u32(row.try_get_by_index(1)?)?,
        refusal: refusal.map(code),
        state: state(&row.try_get_by_index::<String>(3)?)?,
    })
}

fn state(name: &str) -> Result<State, Error> {
    State::parse(name).ok_or_else(|| Error::Unreadable("rotation_campaign_token.ended_as".to_owned()))
}

/// An error of a listing whose statement took too long.
fn listing(err: Error, backend: sea_orm::DbBackend) -> Error {
    match err {
        Error::Unavailable(err) | Error::Refused(err) => Error::of_listing(err, backend),
        other => other,
    }
}
