//! `rotateWebhookSecret`, and how a secret is shown.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::domain::audit::Action;
use crate::domain::id::WebhookId;
use crate::domain::notice::{Webhook, WebhookSecret, secret_overlap};
use crate::domain::timestamp::Timestamp;
use crate::service::{Caller, Error, Service};
use crate::signing::{hmac_key_text, public_key_text};
use crate::store::Transaction;

use super::manage::find;
use super::read::webhook_id;

/// A new secret as receivers keep it. It is shown once, and prints nothing.
pub struct IssuedSecret {
    secret: SecretString,
    public_key: String,
}

/// A webhook with a new secret.
#[derive(Debug)]
pub struct IssuedWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// Its secret, shown here and never again.
    pub issued: IssuedSecret,
}

impl IssuedSecret {
    pub(super) fn of(secret: &WebhookSecret) -> Self {
        Self { secret: hmac_key_text(secret).into(), public_key: public_key_text(secret) }
    }

    /// The key for HMAC-SHA256, only for the answer that issues it.
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }

    /// The public key for Ed25519, which is no secret.
    pub fn public_key(&self) -> &str {
        &self.public_key
    }
}

impl fmt::Debug for IssuedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IssuedSecret(…)")
    }
}

impl Service {
    /// Gives a webhook a new secret. Messages are also signed with the one before for so many minutes, by default for a day; a third one is
    /// not used any more. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, no webhook has this id, or the overlap is invalid.
    pub async fn rotate_webhook_secret(
        &self,
        caller: &Caller,
        id: &str,
        overlap_minutes: Option<i32>,
    ) -> Result<IssuedWebhook, Error> {
        let now = self.now();
        let id = webhook_id("id", id)?;
        let transaction = self.store.begin().await?;
        let rotated = self.rotate_webhook_secret_in(&transaction, caller, id, overlap_minutes, now).await;
        caller.finish(transaction, rotated).await
    }

    async fn rotate_webhook_secret_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: WebhookId,
        overlap_minutes: Option<i32>,
        now: Timestamp,
    ) -> Result<IssuedWebhook, Error> {
        self.webhook_manager(transaction, caller, now).await?;
        let mut webhook = find(transaction, id).await?;
        let minutes = secret_overlap(overlap_minutes)?;
        webhook.previous_secret_until = (minutes > 0).then(|| now.plus_minutes(minutes));
        let secret = WebhookSecret::from_entropy(&self.random()?);
        transaction.rotate_webhook_secret(id, &secret, webhook.previous_secret_until).await?;
        self.record_webhook(transaction, Action::WebhookSecretRotated, caller, id, now).await?;
        Ok(IssuedWebhook { webhook, issued: IssuedSecret::of(&secret) })
    }
}
