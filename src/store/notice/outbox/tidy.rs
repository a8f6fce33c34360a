//! Housekeeping of the outbox: what is over is deleted, and what waits for a disabled webhook is given up.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

use crate::domain::id::WebhookId;
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::{Error, Store};

use super::claim::PENDING;

/// What is said of a delivery that is given up because its webhook is disabled.
const DISABLED: &str = "the webhook was disabled";

/// What is yet to be delivered to webhooks that are enabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many deliveries, counted up to a limit.
    pub pending: u64,
    /// When the oldest of them was written.
    pub oldest_at: Option<Timestamp>,
    /// How many webhooks are disabled, so that nothing is written for them.
    pub disabled_webhooks: u64,
}

impl Store {
    /// Deletes up to `most` deliveries that were over by this time; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_old_deliveries(&self, by: Timestamp, most: u32) -> Result<u64, Error> {
        let mut sql = Sql::new(self.write.get_database_backend());
        let by = by.unix_millis();
        sql.text("DELETE FROM webhook_delivery WHERE number IN (SELECT number FROM webhook_delivery");
        sql.indexed_by("webhook_delivery_created_idx").push(
            " WHERE created_at < ? AND (delivered_at < ? OR dead_at < ?) ORDER BY created_at LIMIT ?",
            [by.into(), by.into(), by.into(), i64::from(most).into()],
        );
        end_subquery(&mut sql, "webhook_delivery");
        let transaction = self.begin().await?;
        let deleted = transaction.connection().execute_raw(sql.statement()).await?.rows_affected();
        transaction.commit().await?;
        Ok(deleted)
    }

    /// Gives up to `most` deliveries up that wait for a webhook that was disabled by this time, so that each waits for as long, whenever
    /// it was written. Returns how many of each webhook.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_up_disabled(
        &self,
        by: Timestamp,
        now: Timestamp,
        most: u32,
    ) -> Result<BTreeMap<WebhookId, u64>, Error> {
        let mut sql = Sql::new(self.write.get_database_backend());
        sql.push("UPDATE webhook_delivery SET dead_at = ?, last_error = ? WHERE number IN (SELECT delivery.number FROM webhook", [
            now.unix_millis().into(),
            DISABLED.into(),
        ]);
        // With CROSS, SQLite joins in the order in which the tables are written.
        sql.text(" CROSS JOIN webhook_delivery AS delivery").indexed_by("webhook_delivery_due_idx").push(
            " WHERE webhook.disabled_at <= ? AND delivery.webhook_id = webhook.id AND delivery.delivered_at IS NULL
             AND delivery.dead_at IS NULL LIMIT ?",
            [by.unix_millis().into(), i64::from(most).into()],
        );
        end_subquery(&mut sql, "delivery");
        sql.text(" RETURNING webhook_id");
        let transaction = self.begin().await?;
        let rows = transaction.connection().query_all_raw(sql.statement()).await?;
        let mut given_up = BTreeMap::new();
        for row in &rows {
            *given_up.entry(Columns::new(row, 0).parse(WebhookId::parse)?).or_default() += 1;
        }
        transaction.commit().await?;
        Ok(given_up)
    }

    /// What is yet to be delivered to webhooks that are enabled, and how many are not. At most so many are counted; the oldest is that of all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backlog(&self, most: u32) -> Result<Backlog, Error> {
        let mut sql = Sql::new(self.read.get_database_backend());
        sql.text("SELECT count(*), (SELECT count(*) FROM webhook WHERE disabled_at IS NOT NULL)");
        sql.text(", (SELECT min(oldest_at) FROM (SELECT (SELECT min(created_at) FROM webhook_delivery");
        sql.indexed_by("webhook_delivery_pending_idx").text(&format!(
            " WHERE webhook_id = webhook.id AND {PENDING}) AS oldest_at FROM webhook WHERE disabled_at IS NULL) AS oldest)
             FROM (SELECT number FROM webhook CROSS JOIN webhook_delivery"
        ));
        sql.indexed_by("webhook_delivery_pending_idx")
            .text(&format!(" WHERE disabled_at IS NULL AND webhook_id = webhook.id AND {PENDING}"));
        sql.push(" LIMIT ?", [i64::from(most).into()]).text(") AS pending");
        let Some(row) = self.read.query_one_raw(sql.statement()).await? else { return Ok(Backlog::default()) };
        let mut columns = Columns::new(&row, 0);
        let [pending, disabled] = [columns.take::<i64>()?, columns.take::<i64>()?];
        let [pending, disabled_webhooks] = [pending, disabled].map(|count| u64::try_from(count).unwrap_or_default());
        Ok(Backlog { pending, oldest_at: columns.moment_if_any()?, disabled_webhooks })
    }
}

/// Ends the subquery for rows of this table, without those that another transaction is changing.
pub(in crate::store::notice) fn end_subquery(sql: &mut Sql, table: &str) {
    let skip = if sql.is_postgres() { format!(" FOR UPDATE OF {table} SKIP LOCKED)") } else { ")".to_owned() };
    sql.text(&skip);
}
