//! Finding tokens, by id and by the hash of a presented value.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::value::ValueHash;

use super::entity::{api_token, api_token_value};
use super::{Error, Store, rows};

impl Store {
    /// The token of this id, with the values that work at `now` as far as their own clock goes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_token(&self, id: TokenId, now: Timestamp) -> Result<Option<Token>, Error> {
        find(&self.read, id, now, Lock::No).await
    }

    /// The token that the value of this hash belongs, or belonged, to, and the generation of that value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_by_hash(&self, hash: &ValueHash, now: Timestamp) -> Result<Option<(Token, u32)>, Error> {
        let found = api_token_value::Entity::find()
            .filter(api_token_value::Column::Hash.eq(hash.0.to_vec()))
            .find_also_related(api_token::Entity)
            .one(&self.read)
            .await?;
        let Some((value, Some(row))) = found else { return Ok(None) };
        let generation = rows::small(value.generation)?;
        Ok(with_values(&self.read, vec![row], now).await?.pop().map(|token| (token, generation)))
    }
}

/// Whether other writers of the same token wait until this transaction ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    No,
    Row,
}

pub(super) async fn find<C: ConnectionTrait>(
    connection: &C,
    id: TokenId,
    now: Timestamp,
    lock: Lock,
) -> Result<Option<Token>, Error> {
    let mut select = api_token::Entity::find_by_id(id.to_string());
    if lock == Lock::Row {
        // SQLite knows no row locks and needs none: its one writer holds them all.
        select = select.lock_exclusive();
    }
    let Some(row) = select.one(connection).await? else { return Ok(None) };
    Ok(with_values(connection, vec![row], now).await?.pop())
}

/// The tokens of these rows in their order; two statements, however many they are.
pub(super) async fn with_values<C: ConnectionTrait>(
    connection: &C,
    rows: Vec<api_token::Model>,
    now: Timestamp,
) -> Result<Vec<Token>, Error> {
    let working = Condition::any()
        .add(api_token_value::Column::RetiresAt.is_null())
        .add(api_token_value::Column::RetiresAt.gt(now.unix_millis()));
    let values = api_token_value::Entity::find()
        .filter(api_token_value::Column::TokenId.is_in(rows.iter().map(|row| row.id.clone())))
        .filter(working)
        .all(connection)
        .await?;
    let mut by_token: HashMap<String, Vec<api_token_value::Model>> = HashMap::new();
    for value in values {
        by_token.entry(value.token_id.clone()).or_default().push(value);
    }
    rows.into_iter()
        .map(|row| {
            let values = by_token.remove(&row.id).unwrap_or_default();
            rows::token(row, values)
        })
        .collect()
}
