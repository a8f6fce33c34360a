//! Adding a token, and writing its settings.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use crate::domain::token::Token;
use crate::store::entity::{api_token, api_token_value};
use crate::store::{Error, Transaction};

use super::rows;

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
        api_token::Entity::insert(rows::token_row(token)).exec_without_returning(self.connection()).await?;
        let value = rows::value_row(token.id, &token.current, token.rotate_by());
        api_token_value::Entity::insert(value).exec_without_returning(self.connection()).await?;
        self.note(token.id);
        Ok(())
    }

    /// Writes the settings of a token anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update(&self, token: &Token) -> Result<(), Error> {
        let row = rows::token_row(token);
        api_token::Entity::update_many()
            .set(api_token::ActiveModel {
                name: row.name,
                description: row.description,
                owner: row.owner,
                permissions: row.permissions,
                scopes: row.scopes,
                allowed_cidr_blocks: row.allowed_cidr_blocks,
                allowed_origins: row.allowed_origins,
                on_reuse: row.on_reuse,
                protected: row.protected,
                updated_at: row.updated_at,
                updated_by: row.updated_by,
                ..Default::default()
            })
            .filter(api_token::Column::Id.eq(token.id.to_string()))
            .exec(self.connection())
            .await?;
        self.note(token.id);
        Ok(())
    }
}
