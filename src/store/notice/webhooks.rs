//! Webhooks: adding, changing, reading and deleting them.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::domain::id::WebhookId;
use crate::domain::notice::{Webhook, WebhookSecret};
use crate::domain::timestamp::Timestamp;
use crate::store::entity::webhook::{ActiveModel, Column, Entity};
use crate::store::{Error, Store, Transaction};

use super::row;

impl Store {
    /// The webhook of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, Error> {
        Entity::find_by_id(id.to_string()).one(&self.read).await?.map(row::webhook).transpose()
    }

    /// The oldest webhooks, or those after this one, and whether there are more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhooks(&self, after: Option<WebhookId>, size: u32) -> Result<(Vec<Webhook>, bool), Error> {
        let mut wanted = Entity::find();
        if let Some(after) = after {
            wanted = wanted.filter(Column::Id.gt(after.to_string()));
        }
        let rows = wanted.order_by_asc(Column::Id).limit(u64::from(size) + 1).all(&self.read).await?;
        let mut webhooks = rows.into_iter().map(row::webhook).collect::<Result<Vec<_>, _>>()?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = webhooks.len() > size;
        webhooks.truncate(size);
        Ok((webhooks, more))
    }
}

impl Transaction {
    /// How many webhooks there are. None is added by others while this transaction runs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_webhooks(&self) -> Result<u64, Error> {
        if self.connection().get_database_backend() == DbBackend::Postgres {
            // Notices are written meanwhile.
            self.connection().execute_unprepared("LOCK TABLE webhook IN SHARE ROW EXCLUSIVE MODE").await?;
        }
        Ok(Entity::find().count(self.connection()).await?)
    }

    /// Adds a webhook.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_webhook(&self, webhook: &Webhook, secret: &WebhookSecret) -> Result<(), Error> {
        Entity::insert(row::row(webhook, secret)).exec_without_returning(self.connection()).await?;
        Ok(())
    }

    /// Locks and reads a webhook. Notices for it are written meanwhile: no revocation waits for this.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_webhook_to_change(&self, id: WebhookId) -> Result<Option<Webhook>, Error> {
        let mut found = Entity::find_by_id(id.to_string());
        if self.connection().get_database_backend() == DbBackend::Postgres {
            found = found.lock(LockType::NoKeyUpdate);
        }
        found.one(self.connection()).await?.map(row::webhook).transpose()
    }

    /// Writes the settings of a webhook, and whether it is enabled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_webhook(&self, webhook: &Webhook) -> Result<(), Error> {
        self.write_webhook(webhook.id, row::changed(webhook)).await
    }

    /// Gives a webhook a new secret. Messages are signed with the one before, too, until this time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate_webhook_secret(
        &self,
        id: WebhookId,
        secret: &WebhookSecret,
        previous_until: Option<Timestamp>,
    ) -> Result<(), Error> {
        let previous =
            |column: Column| if previous_until.is_some() { Expr::col(column) } else { Expr::value(None::<Vec<u8>>) };
        Entity::update_many()
            .set(row::secret(secret))
            .col_expr(Column::PreviousHmacKey, previous(Column::HmacKey))
            .col_expr(Column::PreviousEd25519Seed, previous(Column::Ed25519Seed))
            .filter(Column::Id.eq(id.to_string()))
            .exec(self.connection())
            .await?;
        let previous_until = Set(previous_until.map(Timestamp::unix_millis));
        self.write_webhook(id, ActiveModel { previous_until, ..Default::default() }).await
    }

    async fn write_webhook(&self, id: WebhookId, change: ActiveModel) -> Result<(), Error> {
        Entity::update_many().set(change).filter(Column::Id.eq(id.to_string())).exec(self.connection()).await?;
        Ok(())
    }

    /// Deletes a webhook with the deliveries that are left; on PostgreSQL, what writes notices waits meanwhile. Returns whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_webhook(&self, id: WebhookId) -> Result<bool, Error> {
        Ok(Entity::delete_by_id(id.to_string()).exec(self.connection()).await?.rows_affected > 0)
    }
}
