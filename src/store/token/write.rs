//! Adding tokens, and changing them: their settings, the end of a value, and revocation.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Value};

use crate::domain::audit::AuditEvent;
use crate::domain::id::TokenId;
use crate::domain::rule::lifecycle::{Retirement, Status};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Permission, Token};
use crate::store::changes::change_set::ChangeSet;
use crate::store::changes::epochs::Publication;
use crate::store::conditional_write::chain::Chain;
use crate::store::entity::{api_token, api_token_value};
use crate::store::write::slot::Urgency;
use crate::store::{Error, Store, Transaction, audit};

use super::columns;

impl Store {
    /// Adds a token with its first value and an audit event, durably, if everything that the maker's rights depend on, and that can
    /// change, is still the same as in `maker` (R10, R11, R12). Otherwise, and always on PostgreSQL, `None` is returned, and nothing is
    /// written. The maker must have presented its current value.
    ///
    /// # Errors
    /// When the database fails. Then it is unknown whether the token was added.
    pub async fn insert_optimistically(
        &self,
        maker: &Token,
        token: &Token,
        event: &AuditEvent,
    ) -> Result<Option<Publication>, Error> {
        const UNCHANGED: &str = "EXISTS (SELECT 1 FROM api_token AS maker WHERE maker.id = ? AND maker.generation = ?
            AND maker.revoked_at IS NULL AND maker.updated_at IS NOT DISTINCT FROM ? AND maker.permissions = ? AND maker.scopes = ?
            AND maker.allowed_cidr_blocks = ? AND maker.allowed_origins = ?)";
        let backend = self.write.get_database_backend();
        // On PostgreSQL, a statement that waits goes on after its client has given up, and nobody would know the value.
        if backend == DbBackend::Postgres {
            return Ok(None);
        }
        let settings = &maker.settings;
        let values = [
            Value::from(maker.id.to_string()),
            i64::from(maker.current.generation).into(),
            maker.updated.map(|(at, _)| at.unix_millis()).into(),
            // Also the settings themselves, because they may change twice in one millisecond.
            columns::list(settings.permissions.iter().map(Permission::as_str)).into(),
            settings.scopes.as_str().into(),
            api_token::networks(maker).into(),
            columns::list(settings.allowed_origins.iter()).into(),
        ];
        let value = api_token_value::row(token.id, &token.current, token.rotate_by());
        let chain = Chain::new(backend).insert_if(api_token::row(token), UNCHANGED, values);
        let mut changes = ChangeSet::default();
        changes.add_token(token.id);
        changes.add_event(event.clone().into());
        self.write_conditionally(chain.insert(value).insert(audit::row(event)), changes, Urgency::Ordinary).await
    }
}

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
        let value = api_token_value::row(token.id, &token.current, token.rotate_by());
        let chain = Chain::new(self.connection().get_database_backend()).insert(api_token::row(token)).insert(value);
        chain.run(self.connection()).await?;
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

    /// Writes whether a token is suspended, and the status that it has now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_suspension(&self, token: &Token, status: Status) -> Result<(), Error> {
        api_token::Entity::update_many()
            .set(api_token::suspension(token, status))
            .filter(api_token::Column::Id.eq(token.id.to_string()))
            .exec(self.connection())
            .await?;
        self.mark_changed(token.id);
        Ok(())
    }

    /// Writes the status that a token has now, for listings.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write_status(&self, id: TokenId, status: Status) -> Result<(), Error> {
        api_token::Entity::update_many()
            .col_expr(api_token::Column::SweptStatus, Expr::value(status.as_str()))
            .filter(api_token::Column::Id.eq(id.to_string()))
            .exec(self.connection())
            .await?;
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
