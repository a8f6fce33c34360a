//! Claiming deliveries that are due.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::domain::id::WebhookId;
use crate::service::{Error, Service};
use crate::store::{Claimed, DueWebhook};

/// How long a claim lasts: longer than an attempt. A process that crashes leaves its deliveries to others after that.
const CLAIM_SECONDS: u32 = 60;

impl Service {
    /// The webhooks to which deliveries are due, those that wait longest first. None if a newer version has changed the schema: it may
    /// send them in another way.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_webhooks(&self) -> Result<Vec<DueWebhook>, Error> {
        if !self.readiness().schema {
            return Ok(Vec::new());
        }
        Ok(self.store.due_webhooks(self.now()).await?)
    }

    /// Claims up to `most` deliveries to this webhook, which are to be sent at once. No other process sends them meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_deliveries(&self, webhook: WebhookId, most: usize) -> Result<Claimed, Error> {
        let now = self.now();
        let mut name = [0; 8];
        self.entropy.fill_guessable(&mut name)?;
        let claim = format!("{:016x}", u64::from_be_bytes(name));
        let transaction = self.store.begin().await?;
        let claimed = transaction.claim_deliveries(webhook, &claim, (now, now.plus_seconds(CLAIM_SECONDS)), most).await;
        Ok(transaction.finish(claimed).await?)
    }

    /// Wakes the sender when this process has written a notice.
    pub fn notices_written(&self) -> Arc<Notify> {
        self.store.notices_written()
    }
}
