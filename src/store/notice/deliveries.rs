//! Deliveries, as they are listed, and sending one again.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::domain::id::{NoticeId, TokenId, WebhookId};
use crate::domain::notice::{Delivery, DeliveryId, Notice, NoticeKind};
use crate::domain::timestamp::Timestamp;
use crate::store::entity::webhook_delivery::{ActiveModel, Column, Entity, Model};
use crate::store::sql::Sql;
use crate::store::{Error, Store, Transaction};

/// One page of deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryListing {
    /// The deliveries, newest first.
    pub deliveries: Vec<Delivery>,
    /// Whether there are older ones.
    pub more: bool,
}

impl Store {
    /// The delivery of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, Error> {
        Entity::find().filter(is(id)).one(&self.read).await?.map(delivery).transpose()
    }

    /// The newest deliveries to a webhook or, after a delivery, those that are older; none if that one is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries(
        &self,
        webhook: WebhookId,
        after: Option<NoticeId>,
        size: u32,
    ) -> Result<DeliveryListing, Error> {
        let mut wanted = Entity::find().filter(Column::WebhookId.eq(webhook.to_string()));
        if let Some(notice) = after {
            let place = Entity::find().select_only().column(Column::Number).filter(is(DeliveryId { notice, webhook }));
            let place: Option<i64> = place.into_tuple().one(&self.read).await?;
            let Some(place) = place else { return Ok(DeliveryListing { deliveries: Vec::new(), more: false }) };
            wanted = wanted.filter(Column::Number.lt(place));
        }
        let wanted = wanted.order_by_desc(Column::Number).limit(u64::from(size) + 1);
        let mut deliveries = wanted.all(&self.read).await?.into_iter().map(delivery).collect::<Result<Vec<_>, _>>()?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let more = deliveries.len() > size;
        deliveries.truncate(size);
        Ok(DeliveryListing { deliveries, more })
    }
}

impl Transaction {
    /// Makes a delivery pending again, as if it had never been sent; returns it, if it exists.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resend_delivery(&self, id: DeliveryId, now: Timestamp) -> Result<Option<Delivery>, Error> {
        let none = || Expr::value(None::<i64>);
        let text = || Expr::value(None::<String>);
        Entity::update_many()
            .col_expr(Column::FirstAttemptAt, none())
            .col_expr(Column::NextAttemptAt, Expr::value(now.unix_millis()))
            .col_expr(Column::Attempts, Expr::value(0_i64))
            .col_expr(Column::Claim, text())
            .col_expr(Column::ClaimedUntil, none())
            .col_expr(Column::DeliveredAt, none())
            .col_expr(Column::DeadAt, none())
            .col_expr(Column::LastStatus, none())
            .col_expr(Column::LastError, text())
            .filter(is(id))
            .exec(self.connection())
            .await?;
        self.mark_notices_written();
        Entity::find().filter(is(id)).one(self.connection()).await?.map(delivery).transpose()
    }

    /// Lets up to `most` deliveries that wait for a webhook, and were attempted, begin anew; returns how many. They are due then, and each is tried
    /// for three days again. What becomes of an attempt that is on its way is not noted, so that one is sent again, too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_deliveries_anew(&self, webhook: WebhookId, now: Timestamp, most: u32) -> Result<u64, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            "UPDATE webhook_delivery SET first_attempt_at = NULL, attempts = 0, next_attempt_at = ?, claim = NULL, claimed_until = NULL
             WHERE number IN (SELECT number FROM webhook_delivery",
            [now.unix_millis().into()],
        );
        sql.indexed_by("webhook_delivery_due_idx").push(
            " WHERE webhook_id = ? AND delivered_at IS NULL AND dead_at IS NULL AND attempts > 0 LIMIT ?)",
            [webhook.to_string().into(), i64::from(most).into()],
        );
        let changed = self.connection().execute_raw(sql.statement()).await?.rows_affected();
        self.mark_notices_written();
        Ok(changed)
    }

    /// Deletes up to `most` deliveries to a webhook, the oldest first; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_deliveries(&self, webhook: WebhookId, most: u32) -> Result<u64, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            "DELETE FROM webhook_delivery WHERE number IN
             (SELECT number FROM webhook_delivery WHERE webhook_id = ? ORDER BY number LIMIT ?)",
            [webhook.to_string().into(), i64::from(most).into()],
        );
        Ok(self.connection().execute_raw(sql.statement()).await?.rows_affected())
    }

    /// How many tests of a webhook are pending, counted up to `most`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_pending_tests(&self, webhook: WebhookId, most: u32) -> Result<u32, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.text("SELECT number FROM webhook_delivery").indexed_by("webhook_delivery_order_idx").push(
            " WHERE webhook_id = ? AND token_id IS NULL AND delivered_at IS NULL AND dead_at IS NULL LIMIT ?",
            [webhook.to_string().into(), i64::from(most).into()],
        );
        let rows = self.connection().query_all_raw(sql.statement()).await?;
        Ok(u32::try_from(rows.len()).unwrap_or(most))
    }

    /// Writes a test to the outbox of this webhook, whatever kinds it gets; returns its delivery.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enqueue_test(&self, webhook: WebhookId, notice: &Notice) -> Result<Delivery, Error> {
        let row = ActiveModel {
            webhook_id: Set(webhook.to_string()),
            notice_id: Set(notice.id.to_string()),
            kind: Set(notice.kind.as_str().to_owned()),
            body: Set(notice.message()),
            created_at: Set(notice.at.unix_millis()),
            next_attempt_at: Set(notice.at.unix_millis()),
            ..Default::default()
        };
        let row = Entity::insert(row).exec_with_returning(self.connection()).await?;
        self.mark_notices_written();
        delivery(row)
    }
}

/// The one delivery.
fn is(id: DeliveryId) -> Condition {
    Condition::all().add(Column::WebhookId.eq(id.webhook.to_string())).add(Column::NoticeId.eq(id.notice.to_string()))
}

fn delivery(row: Model) -> Result<Delivery, Error> {
    let unreadable = |what: &str| Error::Unreadable(format!("webhook_delivery {}: {what}", row.number));
    let moment = Timestamp::from_unix_millis;
    let pending = row.delivered_at.is_none() && row.dead_at.is_none();
    let token_id = row.token_id.as_deref().map(|id| TokenId::parse(id).ok_or_else(|| unreadable("token_id")));
    Ok(Delivery {
        id: DeliveryId {
            notice: NoticeId::parse(&row.notice_id).ok_or_else(|| unreadable("notice_id"))?,
            webhook: WebhookId::parse(&row.webhook_id).ok_or_else(|| unreadable("webhook_id"))?,
        },
        kind: NoticeKind::parse(&row.kind),
        token_id: token_id.transpose()?,
        created_at: moment(row.created_at),
        attempts: u32::try_from(row.attempts).map_err(|_| unreadable("attempts"))?,
        next_attempt_at: pending.then_some(moment(row.next_attempt_at)),
        delivered_at: row.delivered_at.map(moment),
        dead_at: row.dead_at.map(moment),
        last_status: row.last_status.and_then(|status| u32::try_from(status).ok()),
        last_error: row.last_error.map(Into::into),
    })
}
