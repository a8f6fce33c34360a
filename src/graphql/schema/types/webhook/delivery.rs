//! `WebhookDelivery`.

use async_graphql::{ID, SimpleObject};

use super::enums::{NoticeKind, WebhookDeliveryStatus};
use crate::domain::notice::Delivery;
use crate::graphql::schema::types::leaf::date_time::DateTime;
use crate::graphql::schema::types::leaf::int::int;

/// A notice on its way to a webhook. It is deleted some days after it is over.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct WebhookDelivery {
    /// Its id.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// The webhook.
    webhook_id: ID,
    /// The id of the notice: the header `webhook-id` of the message, the same at every attempt.
    notice_id: ID,
    /// What the notice is about; null if only a newer version of Rotakey knows.
    kind: Option<NoticeKind>,
    /// The API token that the notice is about; null for a test.
    token_id: Option<ID>,
    /// When the notice was written.
    created_at: DateTime,
    /// Whether it is over.
    status: WebhookDeliveryStatus,
    /// How often it was sent.
    attempts: i32,
    /// When it is sent next, if nothing older of the same API token is pending; null if it is over.
    next_attempt_at: Option<DateTime>,
    /// When the webhook accepted it; null if it did not.
    delivered_at: Option<DateTime>,
    /// When it was given up; null if it was not.
    dead_at: Option<DateTime>,
    /// The HTTP status of the last answer; null if there was none.
    last_status: Option<i32>,
    /// What was wrong at the last attempt, for people; null if nothing was.
    last_error: Option<String>,
}

impl From<Delivery> for WebhookDelivery {
    fn from(delivery: Delivery) -> Self {
        let id = delivery.id;
        Self {
            status: delivery.status().into(),
            id: ID(id.to_string()),
            webhook_id: ID(id.webhook.to_string()),
            notice_id: ID(id.notice.to_string()),
            kind: delivery.kind.map(Into::into),
            token_id: delivery.token_id.map(|id| ID(id.to_string())),
            created_at: delivery.created_at.into(),
            attempts: int(delivery.attempts),
            next_attempt_at: delivery.next_attempt_at.map(Into::into),
            delivered_at: delivery.delivered_at.map(Into::into),
            dead_at: delivery.dead_at.map(Into::into),
            last_status: delivery.last_status.map(int),
            last_error: delivery.last_error.map(Into::into),
        }
    }
}
