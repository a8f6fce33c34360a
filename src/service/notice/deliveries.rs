//! Deliveries: listing them, sending one again, and sending a test.

use crate::domain::audit::Action;
use crate::domain::id::{NoticeId, WebhookId};
use crate::domain::invalid_input::InvalidInput;
use crate::domain::notice::{Delivery, DeliveryId, Notice};
use crate::domain::timestamp::Timestamp;
use crate::service::token::{broken_cursor, end_and_size};
use crate::service::{Caller, Error, Service};
use crate::store::Transaction;

use super::manage::find;
use super::read::{cursor, text_of_cursor, webhook_id};

/// How many tests of a webhook may be pending.
const MAX_PENDING_TESTS: u32 = 10;

/// A page of deliveries as a client asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryPageRequest {
    /// How many.
    pub first: Option<i32>,
    /// Only deliveries after this cursor, which are older.
    pub after: Option<String>,
}

/// A page of deliveries, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryConnection {
    /// The deliveries, each with its cursor.
    pub edges: Vec<(String, Delivery)>,
    /// Whether there are older ones.
    pub has_next_page: bool,
    /// Whether there are newer ones, as far as this request can tell.
    pub has_previous_page: bool,
}

impl Service {
    /// A page of the deliveries to a webhook; the id is in `field`. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, no webhook has this id, or the page is invalid.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        (field, webhook): (&'static str, &str),
        request: DeliveryPageRequest,
    ) -> Result<DeliveryConnection, Error> {
        self.require_webhooks(caller).await?;
        let webhook = webhook_id(field, webhook)?;
        let DeliveryPageRequest { first, after } = request;
        let (_, size) = end_and_size(first, None, "deliveries")?;
        let after = after.map(|text| read_cursor(&text).ok_or_else(|| broken_cursor("after"))).transpose()?;
        if self.store.webhook(webhook).await?.is_none() {
            return Err(Error::NoWebhook { field });
        }
        let listing = self.store.deliveries(webhook, after, size).await?;
        let edge = |delivery: Delivery| (cursor(&delivery.id.notice.to_string()), delivery);
        Ok(DeliveryConnection {
            edges: listing.deliveries.into_iter().map(edge).collect(),
            has_next_page: listing.more,
            has_previous_page: after.is_some(),
        })
    }

    /// The delivery of this id. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, or no delivery has this id.
    pub async fn delivery(&self, caller: &Caller, id: DeliveryId) -> Result<Delivery, Error> {
        self.require_webhooks(caller).await?;
        self.store.delivery(id).await?.ok_or(Error::NoDelivery { field: "id" })
    }

    /// Writes a test to the outbox of a webhook; returns its delivery. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, no webhook has this id, it is disabled, or too many tests are pending.
    pub async fn test_webhook(&self, caller: &Caller, id: &str) -> Result<Delivery, Error> {
        let now = self.now();
        let id = webhook_id("id", id)?;
        let transaction = self.store.begin().await?;
        let delivery = self.test_webhook_in(&transaction, caller, id, now).await;
        caller.finish(transaction, delivery).await
    }

    /// Makes a delivery pending again, with the same message and the same id; returns it. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    ///
    /// # Errors
    /// When the caller may not, no delivery has this id, or its webhook is disabled.
    pub async fn resend_delivery(&self, caller: &Caller, id: &str) -> Result<Delivery, Error> {
        let now = self.now();
        let id = DeliveryId::parse(id).ok_or(Error::NoDelivery { field: "id" })?;
        let transaction = self.store.begin().await?;
        let delivery = self.resend_delivery_in(&transaction, caller, id, now).await;
        caller.finish(transaction, delivery).await
    }

    async fn test_webhook_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<Delivery, Error> {
        self.webhook_manager(transaction, caller, now).await?;
        find_enabled(transaction, id).await?;
        if transaction.count_pending_tests(id, MAX_PENDING_TESTS).await? == MAX_PENDING_TESTS {
            let message =
                format!("{MAX_PENDING_TESTS} tests of the webhook are pending, which is the most there may be.");
            return Err(InvalidInput::new("id", message).into());
        }
        self.record_webhook(transaction, Action::WebhookTested, caller, id, now).await?;
        let notice = Notice::test(id, NoticeId::new(now, self.random()?), now);
        Ok(transaction.enqueue_test(id, &notice).await?)
    }

    async fn resend_delivery_in(
        &self,
        transaction: &Transaction,
        caller: &Caller,
        id: DeliveryId,
        now: Timestamp,
    ) -> Result<Delivery, Error> {
        self.webhook_manager(transaction, caller, now).await?;
        match find_enabled(transaction, id.webhook).await {
            Err(Error::NoWebhook { field }) => return Err(Error::NoDelivery { field }),
            found => found?,
        }
        let resent = transaction.resend_delivery(id, now).await?.ok_or(Error::NoDelivery { field: "id" })?;
        self.record_webhook(transaction, Action::WebhookDeliveryResent, caller, id.webhook, now).await?;
        Ok(resent)
    }
}

/// Checks that messages are sent to this webhook.
async fn find_enabled(transaction: &Transaction, id: WebhookId) -> Result<(), Error> {
    match find(transaction, id).await?.disabled {
        None => Ok(()),
        Some(_) => {
            let message = "The webhook is disabled, so nothing is sent to it. Enable it first, with enableWebhook.";
            Err(InvalidInput::new("id", message).into())
        }
    }
}

fn read_cursor(cursor: &str) -> Option<NoticeId> {
    NoticeId::parse(&text_of_cursor(cursor)?)
}
