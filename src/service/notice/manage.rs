//! What every change to webhooks begins and ends with: the caller's right, and the audit log.

use crate::domain::audit::{Action, AuditEvent};
use crate::domain::id::{EventId, WebhookId};
use crate::domain::notice::Webhook;
use crate::domain::reason::Reason;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::service::{Caller, Error, Service};
use crate::store::Transaction;

use super::read::require;

impl Service {
    /// Locks the caller's token, checks that it may manage webhooks and mail digests, and returns it.
    pub(in crate::service) async fn webhook_manager(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Token, Error> {
        let own = transaction.find_and_lock(caller.token_id(), caller.lock_mode()).await?;
        let mut own = own.ok_or(Error::Unauthenticated)?;
        caller.check_still_valid(&own, now)?;
        caller.write_first_use_in(transaction, &mut own, now).await?;
        require(&own)?;
        Ok(own)
    }

    /// Records what the caller did to a webhook.
    pub(super) async fn record_webhook(
        &self,
        transaction: &Transaction,
        action: Action,
        caller: &Caller,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (actor, provenance) = caller.as_actor();
        let event = AuditEvent {
            id: EventId::new(now, self.random()?),
            at: now,
            action,
            refusal: None,
            actor: Some(actor),
            token_id: None,
            webhook_id: Some(id),
            mail_digest_id: None,
            generation: None,
            provenance,
            reason: Reason::default(),
        };
        Ok(transaction.append(&event).await?)
    }
}

/// Locks and returns the webhook of this id.
pub(super) async fn find(transaction: &Transaction, id: WebhookId) -> Result<Webhook, Error> {
    transaction.find_webhook_to_change(id).await?.ok_or(Error::NoWebhook { field: "id" })
}
