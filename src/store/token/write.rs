//! Adding tokens, and changing them: their settings, the end of a value, and revocation.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::{Retirement, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::store::entity::{api_token, api_token_value};
use crate::store::{Error, Transaction};

impl Transaction {
    /// Whether the database has no tokens.
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
        self.mark_changed(token.id);
        Ok(())
    }

    /// Writes the changed settings of a token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update(&self, token: &Token) -> Result<(), Error> {
        api_token::Entity::update_many()
            .set(api_token::update(token))
            .filter(api_token::Column::Id.eq(token.id.to_string()))
            .exec(self.connection())
            .await?;
        self.mark_changed(token.id);
        Ok(())
    }

    /// Sets the time at which the previous value stops working.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retire(&self, id: TokenId, previous: Retirement) -> Result<(), Error> {
        let retires_at = Set(previous.retires_at.map(Timestamp::unix_millis));
        let retired = api_token_value::ActiveModel { retires_at, ..Default::default() };
        api_token_value::update_one(id, previous.generation, retired).exec(self.connection()).await?;
        self.mark_changed(id);
        Ok(())
    }

    /// Retires the previous value immediately, whatever any clock says.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_overlap(&self, id: TokenId) -> Result<(), Error> {
        api_token::Entity::update_many()
            .col_expr(api_token::Column::PreviousGeneration, Expr::value(Option::<i64>::None))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .exec(self.connection())
            .await?;
        self.mark_changed(id);
        Ok(())
    }

    /// Erases the salt from which the current value of a token could be derived again (R6).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_salt(&self, id: TokenId, generation: u32) -> Result<(), Error> {
        let erased = api_token_value::ActiveModel { salt: Set(None), ..Default::default() };
        api_token_value::update_one(id, generation, erased).exec(self.connection()).await?;
        Ok(())
    }

    /// Marks a token revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke(&self, id: TokenId, now: Timestamp) -> Result<(), Error> {
        api_token::Entity::update_many()
            .col_expr(api_token::Column::RevokedAt, Expr::value(now.unix_millis()))
            .col_expr(api_token::Column::SweptStatus, Expr::value(Status::Revoked.as_str()))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .filter(api_token::Column::RevokedAt.is_null())
            .exec(self.connection())
            .await?;
        self.mark_changed(id);
        Ok(())
    }
}
