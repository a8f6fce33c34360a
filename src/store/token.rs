//! Finding tokens, by id and by the hash of a presented value.
//!
//! A token is read with its values in one statement, because one statement is one snapshot: two could fall on either side
//! of a rotation and show a token that never was.

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::ValueHash;

use super::entity::{api_token, api_token_value};
use super::{Error, Store, rows};

/// A token beside one of its values.
pub(super) type JoinedRow = (api_token::Model, Option<api_token_value::Model>);

impl Store {
    /// The token of this id, with the values that work at `now` as far as their own clock goes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_token(&self, id: TokenId, now: Timestamp) -> Result<Option<Token>, Error> {
        find(&self.read, id, now).await
    }

    /// The token that the value of this hash belongs, or belonged, to, and the generation of that value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_by_hash(&self, hash: &ValueHash, now: Timestamp) -> Result<Option<(Token, u32)>, Error> {
        let presented = api_token_value::Column::Hash.eq(hash.0.to_vec());
        let owner = api_token_value::Entity::find()
            .select_only()
            .column(api_token_value::Column::TokenId)
            .filter(presented.clone())
            .into_query();
        let mut joined = api_token::Entity::find()
            .find_also_related(api_token_value::Entity)
            .filter(api_token::Column::Id.in_subquery(owner))
            .filter(working(now).add(presented))
            .all(&self.read)
            .await?;
        let is_presented = |value: &api_token_value::Model| value.hash == hash.0;
        let Some(found) = joined.iter().filter_map(|(_, value)| value.as_ref()).find(|value| is_presented(value))
        else {
            return Ok(None);
        };
        let (generation, retires_at) = (rows::small(found.generation)?, found.retires_at);
        if retires_at.is_some_and(|retires_at| retires_at <= now.unix_millis()) {
            // It was asked for to be recognised; it is no longer one of the token's values.
            joined.retain(|(_, value)| !value.as_ref().is_some_and(is_presented));
        }
        Ok(rows::tokens(joined)?.pop().map(|token| (token, generation)))
    }
}

/// Values that nothing replaced, or whose overlap lasts.
pub(super) fn working(now: Timestamp) -> Condition {
    Condition::any()
        .add(api_token_value::Column::RetiresAt.is_null())
        .add(api_token_value::Column::RetiresAt.gt(now.unix_millis()))
}

pub(super) async fn find<C: ConnectionTrait>(
    connection: &C,
    id: TokenId,
    now: Timestamp,
) -> Result<Option<Token>, Error> {
    let joined = api_token::Entity::find_by_id(id.to_string())
        .find_also_related(api_token_value::Entity)
        .filter(working(now))
        .all(connection)
        .await?;
    Ok(rows::tokens(joined)?.pop())
}

/// As [`find`], once every other writer of the token has finished; new ones wait until this transaction ends.
pub(super) async fn find_locked<C: ConnectionTrait>(
    connection: &C,
    id: TokenId,
    now: Timestamp,
) -> Result<Option<Token>, Error> {
    // A statement of its own: one that waits for the lock would read the joined values as they were before the wait.
    // SQLite knows no row locks and needs none: its one writer holds them all.
    api_token::Entity::find_by_id(id.to_string()).lock_exclusive().one(connection).await?;
    find(connection, id, now).await
}
