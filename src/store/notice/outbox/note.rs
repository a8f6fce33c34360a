//! Noting what came of an attempt.

use sea_orm::ConnectionTrait;

use crate::domain::delivery::Next;
use crate::domain::id::WebhookId;
use crate::domain::notice::DisabledBecause;
use crate::domain::timestamp::Timestamp;
use crate::store::sql::Sql;
use crate::store::token::columns::Columns;
use crate::store::{Error, Transaction};

/// An attempt that is over.
#[derive(Clone, Copy, Debug)]
pub struct Attempted<'a> {
    /// The delivery.
    pub number: i64,
    /// The webhook.
    pub webhook: WebhookId,
    /// The name of the claim.
    pub claim: &'a str,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// What was wrong; `None` if the message was accepted. It repeats nothing that the receiver sent.
    pub error: Option<&'a str>,
}

/// What is known of a webhook when an attempt is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    /// When it last accepted a message, up to now.
    pub last_success_at: Option<Timestamp>,
    /// Since when it has accepted none, from now on if it did before.
    pub failing_since: Option<Timestamp>,
}

impl Transaction {
    /// Locks a webhook, before [`Transaction::note_delivery`]: in this order, because deleting a webhook locks it before its deliveries. SQLite
    /// has one writer anyway.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lock_webhook_to_note(&self, id: WebhookId) -> Result<(), Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        if sql.is_postgres() {
            sql.push("SELECT id FROM webhook WHERE id = ? FOR NO KEY UPDATE", [id.to_string().into()]);
            self.connection().execute_raw(sql.statement()).await?;
        }
        Ok(())
    }

    /// Notes at a webhook that an attempt was accepted, or not, after [`Transaction::note_delivery`]. `None` if it was deleted meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_webhook(&self, attempted: Attempted<'_>, now: Timestamp) -> Result<Option<Noted>, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        let at = now.unix_millis();
        match attempted.error {
            None => sql.push("UPDATE webhook SET last_success_at = ?, failing_since = NULL", [at.into()]),
            Some(error) => sql.push(
                "UPDATE webhook SET last_failure_at = ?, last_failure = ?, failing_since = coalesce(failing_since, ?)",
                [at.into(), error.into(), at.into()],
            ),
        };
        sql.push(" WHERE id = ? RETURNING last_success_at, failing_since", [attempted.webhook.to_string().into()]);
        let row = self.connection().query_one_raw(sql.statement()).await?;
        let Some(row) = row else { return Ok(None) };
        let mut columns = Columns::new(&row, 0);
        Ok(Some(Noted { last_success_at: columns.moment_if_any()?, failing_since: columns.moment_if_any()? }))
    }

    /// Notes the outcome at a delivery, and makes the next one of the same token due, if this one is over. Returns whether it did: not if
    /// another process has claimed it since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_delivery(&self, attempted: Attempted<'_>, next: Next, now: Timestamp) -> Result<bool, Error> {
        let Attempted { number, webhook, claim, status, error } = attempted;
        let mut sql = Sql::new(self.connection().get_database_backend());
        match next {
            Next::Delivered => sql.push("UPDATE webhook_delivery SET delivered_at = ?", [now.unix_millis().into()]),
            Next::Dead => sql.push("UPDATE webhook_delivery SET dead_at = ?", [now.unix_millis().into()]),
            Next::Retry(at) => sql.push("UPDATE webhook_delivery SET next_attempt_at = ?", [at.unix_millis().into()]),
        };
        sql.push(
            ", claim = NULL, claimed_until = NULL, last_status = ?, last_error = ?
             WHERE number = ? AND claim = ? AND delivered_at IS NULL AND dead_at IS NULL",
            [status.map(i64::from).into(), error.into(), number.into(), claim.into()],
        );
        if self.connection().execute_raw(sql.statement()).await?.rows_affected() == 0 {
            return Ok(false);
        }
        if !matches!(next, Next::Retry(_)) {
            self.make_next_due(webhook, number, now).await?;
        }
        Ok(true)
    }

    /// Makes the oldest pending delivery of the same token and webhook due, which was put off.
    async fn make_next_due(&self, webhook: WebhookId, number: i64, now: Timestamp) -> Result<(), Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push("UPDATE webhook_delivery SET next_attempt_at = ? WHERE number = (SELECT next.number FROM webhook_delivery AS next", [
            now.unix_millis().into(),
        ]);
        sql.indexed_by("webhook_delivery_order_idx");
        sql.push(
            " WHERE next.webhook_id = ? AND next.token_id = (SELECT token_id FROM webhook_delivery WHERE number = ?)
             AND next.delivered_at IS NULL AND next.dead_at IS NULL ORDER BY next.number LIMIT 1)
             AND claim IS NULL AND next_attempt_at > ? AND attempts = 0",
            [webhook.to_string().into(), number.into(), now.unix_millis().into()],
        );
        self.connection().execute_raw(sql.statement()).await?;
        Ok(())
    }

    /// Ends sending to a webhook; returns whether it was enabled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn disable_webhook(
        &self,
        id: WebhookId,
        because: DisabledBecause,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut sql = Sql::new(self.connection().get_database_backend());
        sql.push(
            "UPDATE webhook SET disabled_at = ?, disabled_because = ? WHERE id = ? AND disabled_at IS NULL",
            [now.unix_millis().into(), because.as_str().into(), id.to_string().into()],
        );
        Ok(self.connection().execute_raw(sql.statement()).await?.rows_affected() > 0)
    }
}
