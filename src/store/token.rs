//! Finding tokens, by id and by the hash of a presented value.
//!
//! A token is read with its values in one statement, because one statement is one snapshot: two could fall on either side
//! of a rotation and show a token that never was.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, SelectTwo};

use crate::domain::id::TokenId;
use crate::domain::token::Token;
use crate::domain::value::ValueHash;

use super::entity::{api_token, api_token_value};
use super::{Error, Store, rows};

/// A token beside one of its values.
pub(super) type JoinedRow = (api_token::Model, Option<api_token_value::Model>);

impl Store {
    /// The token of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_token(&self, id: TokenId) -> Result<Option<Token>, Error> {
        find(&self.read, id).await
    }

    /// The token that the value of this hash belongs, or belonged, to, and the generation of that value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_by_hash(&self, hash: &ValueHash) -> Result<Option<(Token, u32)>, Error> {
        let presented = api_token_value::Column::Hash.eq(hash.0.to_vec());
        let owner = api_token_value::Entity::find()
            .select_only()
            .column(api_token_value::Column::TokenId)
            .filter(presented.clone())
            .into_query();
        let joined = api_token::Entity::find()
            .find_also_related(api_token_value::Entity)
            .filter(api_token::Column::Id.in_subquery(owner))
            .filter(newest_two().add(presented))
            .all(&self.read)
            .await?;
        let mut values = joined.iter().filter_map(|(_, value)| value.as_ref());
        let Some(found) = values.find(|value| value.hash == hash.0) else { return Ok(None) };
        let generation = rows::small(found.generation)?;
        Ok(rows::tokens(joined)?.pop().map(|token| (token, generation)))
    }
}

/// The current value of a token and the previous one, however many it has had.
pub(super) fn newest_two() -> Condition {
    let generation = || Expr::col((api_token_value::Entity, api_token_value::Column::Generation));
    Condition::any()
        .add(generation().equals((api_token::Entity, api_token::Column::Generation)))
        .add(generation().equals((api_token::Entity, api_token::Column::PreviousGeneration)))
}

pub(super) async fn find<C: ConnectionTrait>(connection: &C, id: TokenId) -> Result<Option<Token>, Error> {
    Ok(rows::tokens(by_id(id).all(connection).await?)?.pop())
}

/// The token of this id with its values.
pub(super) fn by_id(id: TokenId) -> SelectTwo<api_token::Entity, api_token_value::Entity> {
    api_token::Entity::find_by_id(id.to_string()).find_also_related(api_token_value::Entity).filter(newest_two())
}
