//! `createWebhook`, `updateWebhook`, `enableWebhook` and `deleteWebhook`.

use core::net::IpAddr;

use url::{Host, Url};

use crate::domain::audit::Action;
use crate::domain::id::WebhookId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::notice::{MAX_WEBHOOKS, Webhook, WebhookChange, WebhookSecret, WebhookSettings};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor;
use crate::service::{Caller, Error, Service};
use crate::store::Transaction;

use super::manage::find;
use super::read::webhook_id;
use super::secret::{IssuedSecret, IssuedWebhook};

/// How many deliveries one transaction changes, so that other writers wait only briefly.
const BATCH: u32 = 500;

impl Service {
    /// Creates a webhook. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, a setting is invalid, or there are too many.
    pub async fn create_webhook(&self, caller: &Caller, change: WebhookChange) -> Result<IssuedWebhook, Error> {
        let now = self.now();
        let transaction = self.store.begin().await?;
        let created = self.create_webhook_in(&transaction, caller, change, now).await;
        caller.finish(transaction, created).await
    }

    /// Changes the settings of a webhook. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, no webhook has this id, or a setting is invalid.
    pub async fn update_webhook(&self, caller: &Caller, id: &str, change: WebhookChange) -> Result<Webhook, Error> {
        let now = self.now();
        let id = webhook_id("id", id)?;
        loop {
            let transaction = self.store.begin().await?;
            let webhook = self.update_webhook_in(&transaction, caller, id, &change, now).await;
            if let Some(webhook) = caller.finish(transaction, webhook).await? {
                return Ok(webhook);
            }
        }
    }

    /// Enables a webhook that the server has disabled. If it is enabled, nothing changes. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or no webhook has this id.
    pub async fn enable_webhook(&self, caller: &Caller, id: &str) -> Result<Webhook, Error> {
        let now = self.now();
        let id = webhook_id("id", id)?;
        loop {
            let transaction = self.store.begin().await?;
            let webhook = self.enable_webhook_in(&transaction, caller, id, now).await;
            if let Some(webhook) = caller.finish(transaction, webhook).await? {
                return Ok(webhook);
            }
        }
    }

    /// Deletes a webhook with its deliveries; returns it. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or no webhook has this id.
    pub async fn delete_webhook(&self, caller: &Caller, id: &str) -> Result<WebhookId, Error> {
        let now = self.now();
        let id = webhook_id("id", id)?;
        loop {
            let transaction = self.store.begin().await?;
            let deleted = self.delete_webhook_in(&transaction, caller, id, now).await;
            if caller.finish(transaction, deleted).await? {
                return Ok(id);
            }
        }
    }

    async fn create_webhook_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        change: WebhookChange,
        now: Timestamp,
    ) -> Result<IssuedWebhook, Error> {
        let own = self.webhook_manager(transaction, caller, now).await?;
        let settings = change.apply(None)?;
        self.check_webhook_address(&settings)?;
        if transaction.count_webhooks().await? >= MAX_WEBHOOKS {
            let message =
                format!("There are {MAX_WEBHOOKS} webhooks, which is the most there may be. Delete one first.");
            return Err(InvalidInput::new("input", message).into());
        }
        let secret = WebhookSecret::from_entropy(&self.random()?);
        let webhook = Webhook::new(WebhookId::new(now, self.random()?), settings, now, Actor::ApiToken(own.id));
        transaction.insert_webhook(&webhook, &secret).await?;
        self.record_webhook(transaction, Action::WebhookCreated, caller, webhook.id, now).await?;
        Ok(IssuedWebhook { webhook, issued: IssuedSecret::of(&secret) })
    }

    /// Changes a webhook. If that changes the URL, what waits for it has begun anew before; `None` if this must be called again for that.
    async fn update_webhook_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: WebhookId,
        change: &WebhookChange,
        now: Timestamp,
    ) -> Result<Option<Webhook>, Error> {
        let own = self.webhook_manager(transaction, caller, now).await?;
        let mut webhook = find(transaction, id).await?;
        let settings = change.clone().apply(Some(webhook.settings.clone()))?;
        if settings != webhook.settings {
            self.check_webhook_address(&settings)?;
            if settings.url != webhook.settings.url && !begin_anew(transaction, id, now).await? {
                return Ok(None);
            }
            webhook.settings = settings;
            webhook.updated = Some((now, Actor::ApiToken(own.id)));
            transaction.update_webhook(&webhook).await?;
            self.record_webhook(transaction, Action::WebhookUpdated, caller, id, now).await?;
        }
        Ok(Some(webhook))
    }

    /// Enables a webhook, after what waits for it has begun anew; `None` if this must be called again for that.
    async fn enable_webhook_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<Option<Webhook>, Error> {
        self.webhook_manager(transaction, caller, now).await?;
        let mut webhook = find(transaction, id).await?;
        if webhook.disabled.take().is_some() {
            if !begin_anew(transaction, id, now).await? {
                return Ok(None);
            }
            webhook.failing_since = None;
            transaction.update_webhook(&webhook).await?;
            self.record_webhook(transaction, Action::WebhookEnabled, caller, id, now).await?;
        }
        Ok(Some(webhook))
    }

    /// Deletes a webhook, after its deliveries; returns false if this must be called again for that.
    async fn delete_webhook_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.webhook_manager(transaction, caller, now).await?;
        find(transaction, id).await?;
        if transaction.delete_deliveries(id, BATCH).await? == u64::from(BATCH) {
            return Ok(false);
        }
        transaction.delete_webhook(id).await?;
        self.record_webhook(transaction, Action::WebhookDeleted, caller, id, now).await?;
        Ok(true)
    }

    /// Refuses a URL that no message would ever be sent to, so that its author knows now. The address of a name can change, so it is checked
    /// whenever one is connected to.
    fn check_webhook_address(&self, settings: &WebhookSettings) -> Result<(), Error> {
        let url = Url::parse(&settings.url).map_err(|_| InvalidInput::new("url", "The url is invalid."))?;
        let is_encrypted = url.scheme() == "https";
        let address: Option<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) | None => None,
        };
        let networks = &self.webhook_networks;
        let allowed = match address {
            Some(address) => networks.may_connect(address, is_encrypted),
            None => is_encrypted || !networks.is_empty(),
        };
        if allowed {
            return Ok(());
        }
        let message = "The url must use https and must not name an address of a private network, unless the server's \
                       --webhook-allow-networks names that network.";
        Err(InvalidInput::new("url", message).into())
    }
}

/// Lets what waits for a webhook begin anew, as far as one transaction may; returns whether that was all.
async fn begin_anew(transaction: &Transaction, webhook: WebhookId, now: Timestamp) -> Result<bool, Error> {
    Ok(transaction.begin_deliveries_anew(webhook, now, BATCH).await? < u64::from(BATCH))
}
