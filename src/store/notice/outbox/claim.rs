//! Claiming deliveries that are due.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, QueryResult};
use tokio::sync::Notify;

use crate::domain::id::{NoticeId, WebhookId};
use crate::domain::notice::{WebhookSecret, WebhookSecrets};
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::{Error, Store, Transaction};

/// A delivery that is not over yet. As literal text, so that SQLite uses the partial indexes.
pub(super) const PENDING: &str = "delivered_at IS NULL AND dead_at IS NULL";

/// How many deliveries that are due are looked at in one go.
const EXAMINED: i64 = 64;

/// A webhook to which deliveries are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueWebhook {
    /// Which.
    pub id: WebhookId,
    /// Whether it accepts no messages at present.
    pub is_failing: bool,
}

/// What was claimed of the deliveries to one webhook.
#[derive(Debug, Default)]
pub struct Claimed {
    /// The deliveries to send now, until the claim ends.
    pub deliveries: Vec<ClaimedDelivery>,
    /// Whether others may be due that were not looked at.
    pub more: bool,
}

/// A delivery to be sent.
#[derive(Debug)]
pub struct ClaimedDelivery {
    /// Its place in the order.
    pub number: i64,
    /// The webhook.
    pub webhook: WebhookId,
    /// The notice: the id of the message.
    pub notice: NoticeId,
    /// Where it is sent.
    pub url: String,
    /// What it is signed with.
    pub secrets: WebhookSecrets,
    /// The body.
    pub body: String,
    /// When the first attempt began.
    pub first_attempt_at: Timestamp,
    /// The number of this attempt.
    pub attempt: u32,
    /// When it begins.
    pub claimed_at: Timestamp,
    /// The name of the claim.
    pub claim: String,
}

/// A delivery that is due, and the oldest pending one of the same token and webhook, which must be sent first.
struct Due {
    number: i64,
    head: i64,
    head_at: i64,
}

impl Store {
    /// Notified when this process has written notices.
    pub fn notices_written(&self) -> Arc<Notify> {
        self.after_commit.publisher().notices.clone()
    }

    /// The webhooks that are enabled and to which deliveries are due, those that wait longest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_webhooks(&self, now: Timestamp) -> Result<Vec<DueWebhook>, Error> {
        let mut sql = Sql::new(self.read.get_database_backend());
        sql.text("SELECT due.id, due.failing_since FROM (SELECT id, failing_since, (SELECT min(next_attempt_at) FROM webhook_delivery");
        sql.indexed_by("webhook_delivery_due_idx").text(&format!(
            " WHERE webhook_delivery.webhook_id = webhook.id AND {PENDING}) AS due_at
             FROM webhook WHERE disabled_at IS NULL) AS due"
        ));
        sql.push(" WHERE due.due_at <= ? ORDER BY due.due_at, due.id", [now.unix_millis().into()]);
        let rows = self.read.query_all_raw(sql.statement()).await?;
        let webhook = |row: &QueryResult| {
            let mut columns = Columns::new(row, 0);
            let id = columns.parse(WebhookId::parse)?;
            Ok(DueWebhook { id, is_failing: columns.moment_if_any()?.is_some() })
        };
        rows.iter().map(webhook).collect()
    }
}

impl Transaction {
    /// Claims up to `most` deliveries to a webhook that are due, until this time, under this name. Of each token it is the oldest pending
    /// one. Others of that token are put off until then; the note about the one before makes them due.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_deliveries(
        &self,
        webhook: WebhookId,
        claim: &str,
        (now, until): (Timestamp, Timestamp),
        most: usize,
    ) -> Result<Claimed, Error> {
        if !self.lock_enabled(webhook).await? {
            return Ok(Claimed::default());
        }
        let due = self.due_deliveries(webhook, now).await?;
        let more = i64::try_from(due.len()) == Ok(EXAMINED);
        let (heads, blocked): (Vec<Due>, Vec<Due>) = due.into_iter().partition(|due| due.number == due.head);
        let claimed: Vec<i64> = heads.iter().map(|due| due.number).take(most).collect();
        for Due { number, head_at, .. } in blocked {
            self.put_off(number, head_at.max(until.unix_millis())).await?;
        }
        if claimed.is_empty() {
            return Ok(Claimed { deliveries: Vec::new(), more });
        }
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            "UPDATE webhook_delivery SET claim = ?, claimed_until = ?, next_attempt_at = ?, attempts = attempts + 1,
             first_attempt_at = coalesce(first_attempt_at, ?) WHERE number IN (",
            [claim.into(), until.unix_millis().into(), until.unix_millis().into(), now.unix_millis().into()],
        );
        push_numbers(&mut sql, &claimed);
        self.connection().execute_raw(sql.statement()).await?;
        Ok(Claimed { deliveries: self.claimed_deliveries(webhook, claim, &claimed, now).await?, more })
    }

    /// Locks a webhook before its deliveries, as a note does: what is due is read when no note is under way that makes the next one of a
    /// token due. Returns whether it is enabled.
    async fn lock_enabled(&self, webhook: WebhookId) -> Result<bool, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push("SELECT id FROM webhook WHERE id = ? AND disabled_at IS NULL", [webhook.to_string().into()]);
        if sql.is_postgres() {
            // Notices may be written to it meanwhile.
            sql.text(" FOR NO KEY UPDATE");
        }
        Ok(self.connection().query_one_raw(sql.statement()).await?.is_some())
    }

    async fn due_deliveries(&self, webhook: WebhookId, now: Timestamp) -> Result<Vec<Due>, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        let mut head = Sql::new(self.connection().get_database_backend());
        head.indexed_by("webhook_delivery_order_idx");
        let by_order = head.statement().sql;
        // A delivery without a token, such as a test, waits for no other.
        let oldest = |column: &str| {
            format!(
                "CASE WHEN due.token_id IS NULL THEN due.{column} ELSE (SELECT head.{column} FROM webhook_delivery AS head{by_order}
                 WHERE head.webhook_id = due.webhook_id AND head.token_id = due.token_id AND head.delivered_at IS NULL
                   AND head.dead_at IS NULL ORDER BY head.number LIMIT 1) END"
            )
        };
        let (number, at) = (oldest("number"), oldest("next_attempt_at"));
        sql.text(&format!("SELECT due.number, {number}, {at} FROM webhook_delivery AS due"));
        sql.indexed_by("webhook_delivery_due_idx");
        sql.push(
            " WHERE due.webhook_id = ? AND due.delivered_at IS NULL AND due.dead_at IS NULL AND due.next_attempt_at <= ?
             ORDER BY due.next_attempt_at, due.number LIMIT ?",
            [webhook.to_string().into(), now.unix_millis().into(), EXAMINED.into()],
        );
        if sql.is_postgres() {
            // What another replica is claiming or noting is left to it.
            sql.text(" FOR UPDATE OF due SKIP LOCKED");
        }
        let rows = self.connection().query_all_raw(sql.statement()).await?;
        let due = |row: &QueryResult| {
            let mut columns = Columns::new(row, 0);
            Ok(Due { number: columns.take()?, head: columns.take()?, head_at: columns.take()? })
        };
        rows.iter().map(due).collect()
    }

    async fn put_off(&self, number: i64, until: i64) -> Result<(), Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push("UPDATE webhook_delivery SET next_attempt_at = ? WHERE number = ?", [until.into(), number.into()]);
        self.connection().execute_raw(sql.statement()).await?;
        Ok(())
    }

    async fn claimed_deliveries(
        &self,
        webhook: WebhookId,
        claim: &str,
        numbers: &[i64],
        now: Timestamp,
    ) -> Result<Vec<ClaimedDelivery>, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.text(
            "SELECT delivery.number, delivery.notice_id, delivery.body, delivery.first_attempt_at, delivery.attempts, webhook.url,
             webhook.hmac_key, webhook.ed25519_seed, webhook.previous_until, webhook.previous_hmac_key, webhook.previous_ed25519_seed
             FROM webhook_delivery AS delivery JOIN webhook ON webhook.id = delivery.webhook_id
             WHERE webhook.disabled_at IS NULL AND delivery.number IN (",
        );
        push_numbers(&mut sql, numbers).text(" ORDER BY delivery.number");
        let rows = self.connection().query_all_raw(sql.statement()).await?;
        rows.iter().map(|row| read(row, (webhook, claim), now)).collect()
    }
}

fn push_numbers<'a>(sql: &'a mut Sql, numbers: &[i64]) -> &'a mut Sql {
    for (place, number) in numbers.iter().enumerate() {
        sql.push(if place == 0 { "?" } else { ", ?" }, [(*number).into()]);
    }
    sql.text(")")
}

fn read(row: &QueryResult, (webhook, claim): (WebhookId, &str), now: Timestamp) -> Result<ClaimedDelivery, Error> {
    let mut columns = Columns::new(row, 0);
    let number = columns.take()?;
    let notice = columns.parse(NoticeId::parse)?;
    let body = columns.take()?;
    let first_attempt_at = columns.moment()?;
    let attempt = columns.number()?;
    let url = columns.take()?;
    let current = WebhookSecret { hmac_key: columns.bytes()?, ed25519_seed: columns.bytes()? };
    let is_valid = columns.moment_if_any()?.is_some_and(|until| now < until);
    let previous = match (columns.bytes_if_any()?, columns.bytes_if_any()?) {
        (Some(hmac_key), Some(ed25519_seed)) if is_valid => Some(WebhookSecret { hmac_key, ed25519_seed }),
        _ => None,
    };
    let secrets = WebhookSecrets { current, previous };
    let (claimed_at, claim) = (now, claim.to_owned());
    Ok(ClaimedDelivery { number, webhook, notice, url, secrets, body, first_attempt_at, attempt, claimed_at, claim })
}
