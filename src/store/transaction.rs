//! The statements that change something. One transaction an operation; its audit event is written in the same one.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
};

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;
use crate::domain::lifecycle::Rotation;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Token, ValueFacts};
use crate::domain::value::ValueHash;

use super::entity::{api_token, api_token_value};
use super::token::{find, find_locked};
use super::{Error, rows};

/// A transaction that may write. Nothing is kept unless [`Transaction::commit`] returns.
#[derive(Debug)]
pub struct Transaction {
    inner: DatabaseTransaction,
}

/// Whether a rotation took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// It did.
    Won,
    /// The facts that it was decided on are no longer true: another rotation, a revocation or a first use was quicker.
    Lost,
}

impl Transaction {
    pub(super) fn new(inner: DatabaseTransaction) -> Self {
        Self { inner }
    }

    /// The token of this id; other writers of it wait until this transaction ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock_token(&self, id: TokenId, now: Timestamp) -> Result<Option<Token>, Error> {
        find_locked(&self.inner, id, now).await
    }

    /// The token of this id as it is, without waiting for its writers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_token(&self, id: TokenId, now: Timestamp) -> Result<Option<Token>, Error> {
        find(&self.inner, id, now).await
    }

    /// Whether there is no token at all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        Ok(api_token::Entity::find().limit(1).count(&self.inner).await? == 0)
    }

    /// Adds a token with its first value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert(&self, token: &Token, hash: &ValueHash) -> Result<(), Error> {
        rows::token_row(token).insert(&self.inner).await?;
        rows::value_row(token.id, &token.current, hash).insert(&self.inner).await?;
        Ok(())
    }

    /// Carries out a rotation, if the facts it was decided on are still true (R7).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate(
        &self,
        id: TokenId,
        rotation: &Rotation,
        issued: &ValueFacts,
        hash: &ValueHash,
    ) -> Result<Rotated, Error> {
        let won = api_token::Entity::update_many()
            .col_expr(api_token::Column::Generation, Expr::value(i64::from(rotation.generation)))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .filter(api_token::Column::Generation.eq(i64::from(rotation.from_generation)))
            .filter(api_token::Column::RevokedAt.is_null())
            .exec(&self.inner)
            .await?;
        if won.rows_affected != 1 {
            return Ok(Rotated::Lost);
        }
        let mut replaced = api_token_value::Entity::update_many()
            .col_expr(api_token_value::Column::RetiresAt, Expr::value(rotation.current_retires_at.unix_millis()))
            .filter(api_token_value::Column::TokenId.eq(id.to_string()))
            .filter(api_token_value::Column::Generation.eq(i64::from(rotation.from_generation)))
            .filter(api_token_value::Column::RetiresAt.is_null());
        if rotation.recovers {
            replaced = replaced.filter(api_token_value::Column::FirstUsedAt.is_null());
        }
        if replaced.exec(&self.inner).await?.rows_affected != 1 {
            return Ok(Rotated::Lost);
        }
        if let Some(previous) = rotation.previous {
            api_token_value::Entity::update_many()
                .col_expr(api_token_value::Column::RetiresAt, Expr::value(previous.retires_at.unix_millis()))
                .filter(api_token_value::Column::TokenId.eq(id.to_string()))
                .filter(api_token_value::Column::Generation.eq(i64::from(previous.generation)))
                .exec(&self.inner)
                .await?;
        }
        rows::value_row(id, issued, hash).insert(&self.inner).await?;
        Ok(Rotated::Won)
    }

    /// Marks a token revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke(&self, id: TokenId, now: Timestamp) -> Result<(), Error> {
        api_token::Entity::update_many()
            .col_expr(api_token::Column::RevokedAt, Expr::value(now.unix_millis()))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .filter(api_token::Column::RevokedAt.is_null())
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Remembers that a value was presented successfully, and that this was its first use if none is known (R5).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_use(&self, id: TokenId, generation: u32, now: Timestamp) -> Result<(), Error> {
        api_token_value::Entity::update_many()
            .col_expr(api_token_value::Column::FirstUsedAt, Expr::value(now.unix_millis()))
            .filter(api_token_value::Column::TokenId.eq(id.to_string()))
            .filter(api_token_value::Column::Generation.eq(i64::from(generation)))
            .filter(api_token_value::Column::FirstUsedAt.is_null())
            .exec(&self.inner)
            .await?;
        api_token::Entity::update_many()
            .col_expr(api_token::Column::LastUsedAt, Expr::value(now.unix_millis()))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Appends an event to the audit log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn append(&self, event: &AuditEvent) -> Result<(), Error> {
        rows::event_row(event).insert(&self.inner).await?;
        Ok(())
    }

    /// Makes all of it durable; only then may it be told (R13).
    ///
    /// # Errors
    /// When the database fails. Whether the transaction took place is then not known.
    pub async fn commit(self) -> Result<(), Error> {
        self.inner.commit().await?;
        Ok(())
    }
}
