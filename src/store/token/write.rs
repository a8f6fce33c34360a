//! Adding a token, and writing its settings.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use crate::domain::token::Token;
use crate::store::entity::{api_token, api_token_value};
use crate::store::{Error, Transaction};

impl Transaction {
    /// Whether there is no token at all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        Ok(api_token::Entity::find().limit(1).count(self.connection()).await? == 0)
    }

    /// Adds a token with its first value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert(&self, token: &Token) -> Result<(), Error> {
        api_token::Entity::insert(api_token::row(token)).exec_without_returning(self.connection()).await?;
        let value = api_token_value::row(token.id, &token.current, token.rotate_by());
        api_token_value::Entity::insert(value).exec_without_returning(self.connection()).await?;
        self.note(token.id);
        Ok(())
    }

    /// Writes the settings of a token anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update(&self, token: &Token) -> Result<(), Error> {
        api_token::Entity::update_many()
            .set(api_token::update(token))
            .filter(api_token::Column::Id.eq(token.id.to_string()))
            .exec(self.connection())
            .await?;
        self.note(token.id);
        Ok(())
    }
}
