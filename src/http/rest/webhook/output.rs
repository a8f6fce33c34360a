//! Webhooks and deliveries in REST responses.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::notice::{self, Delivery, DeliveryStatus, DisabledBecause, NoticeKind, WebhookStatus};
use crate::domain::timestamp::Timestamp;
use crate::http::rest::page::PageInfo;
use crate::http::rest::token_value::Actor;
use crate::service::{self, DeliveryConnection, WebhookConnection};

/// A URL to which the server sends notices of what happens to API tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::rest) struct Webhook {
    /// Its id. Ids sort by creation.
    id: String,
    /// Where messages are sent.
    url: String,
    /// What it is for.
    #[schema(required)]
    description: Option<String>,
    /// The kinds of notices that it gets; all if empty.
    #[schema(value_type = Vec<NoticeKind>)]
    kinds: Vec<&'static str>,
    /// The owners whose API tokens it gets notices of; those of all API tokens if empty.
    owners: Vec<String>,
    /// Whether it works.
    #[schema(value_type = WebhookStatus)]
    status: &'static str,
    /// When it was created.
    #[schema(value_type = Timestamp)]
    created_at: String,
    /// Who created it.
    created_by: Actor,
    /// When its settings were last changed; null if never.
    #[schema(required, value_type = Option<Timestamp>)]
    updated_at: Option<String>,
    /// Who last changed its settings; null if never changed.
    #[schema(required)]
    updated_by: Option<Actor>,
    /// Since when the server sends nothing to it; null if it does.
    #[schema(required, value_type = Option<Timestamp>)]
    disabled_at: Option<String>,
    /// Why the server sends nothing to it; null if it does.
    #[schema(required, value_type = Option<DisabledBecause>)]
    disabled_because: Option<&'static str>,
    /// Until when messages are also signed with the secret before the current one; null if that was never so.
    #[schema(required, value_type = Option<Timestamp>)]
    previous_secret_until: Option<String>,
    /// When it last accepted a message; null if never.
    #[schema(required, value_type = Option<Timestamp>)]
    last_success_at: Option<String>,
    /// When it last did not accept a message; null if never.
    #[schema(required, value_type = Option<Timestamp>)]
    last_failure_at: Option<String>,
    /// Why it last did not accept a message, for people; null if that never happened.
    #[schema(required)]
    last_failure: Option<String>,
    /// Since when it has not accepted any message; null if it accepted the last one.
    #[schema(required, value_type = Option<Timestamp>)]
    failing_since: Option<String>,
}

/// A webhook with a new secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::rest) struct IssuedWebhook {
    /// The webhook.
    webhook: Webhook,
    /// The key with which the receiver verifies the signatures `v1` (HMAC-SHA256): `whsec_…`. It is shown here and never again.
    secret: String,
    /// The key with which the receiver verifies the signatures `v1a` (Ed25519): `whpk_…`. It is no secret.
    public_key: String,
}

/// A page of webhooks, oldest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::rest) struct WebhookPage {
    /// The webhooks of the page.
    data: Vec<Webhook>,
    /// Where the page is in the listing.
    page_info: PageInfo,
}

/// A notice on its way to a webhook. It is deleted some days after it is over.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::rest) struct WebhookDelivery {
    /// Its id.
    id: String,
    /// The webhook.
    webhook_id: String,
    /// The id of the notice: the header `webhook-id` of the message, the same at every attempt.
    notice_id: String,
    /// What the notice is about; null if only a newer version of Rotakey knows.
    #[schema(required, value_type = Option<NoticeKind>)]
    kind: Option<&'static str>,
    /// The API token that the notice is about; null for a test.
    #[schema(required)]
    token_id: Option<String>,
    /// When the notice was written.
    #[schema(value_type = Timestamp)]
    created_at: String,
    /// Whether it is over.
    #[schema(value_type = DeliveryStatus)]
    status: &'static str,
    /// How often it was sent.
    attempts: u32,
    /// When it is sent next, if nothing older of the same API token is pending; null if it is over.
    #[schema(required, value_type = Option<Timestamp>)]
    next_attempt_at: Option<String>,
    /// When the webhook accepted it; null if it did not.
    #[schema(required, value_type = Option<Timestamp>)]
    delivered_at: Option<String>,
    /// When it was given up; null if it was not.
    #[schema(required, value_type = Option<Timestamp>)]
    dead_at: Option<String>,
    /// The HTTP status of the last answer; null if there was none.
    #[schema(required)]
    last_status: Option<u32>,
    /// What was wrong at the last attempt, for people; null if nothing was.
    #[schema(required)]
    last_error: Option<String>,
}

/// A page of deliveries, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::rest) struct WebhookDeliveryPage {
    /// The deliveries of the page.
    data: Vec<WebhookDelivery>,
    /// Where the page is in the listing.
    page_info: PageInfo,
}

fn text(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

impl From<notice::Webhook> for Webhook {
    fn from(webhook: notice::Webhook) -> Self {
        let status = webhook.status();
        let (last_failure_at, last_failure) = webhook.last_failure.unzip();
        let (updated_at, updated_by) = webhook.updated.unzip();
        let (disabled_at, disabled_because) = webhook.disabled.unzip();
        let settings = webhook.settings;
        Self {
            id: webhook.id.to_string(),
            url: settings.url.into(),
            description: settings.description.map(Into::into),
            kinds: settings.kinds.iter().map(NoticeKind::as_str).collect(),
            owners: settings.owners.into_iter().map(Into::into).collect(),
            status: status.as_str(),
            created_at: webhook.created_at.to_string(),
            created_by: webhook.created_by.into(),
            updated_at: text(updated_at),
            updated_by: updated_by.map(Into::into),
            disabled_at: text(disabled_at),
            disabled_because: disabled_because.map(DisabledBecause::as_str),
            previous_secret_until: text(webhook.previous_secret_until),
            last_success_at: text(webhook.last_success_at),
            last_failure_at: text(last_failure_at),
            last_failure: last_failure.map(Into::into),
            failing_since: text(webhook.failing_since),
        }
    }
}

impl From<service::IssuedWebhook> for IssuedWebhook {
    fn from(service::IssuedWebhook { webhook, issued }: service::IssuedWebhook) -> Self {
        let (secret, public_key) = (issued.expose().to_owned(), issued.public_key().to_owned());
        Self { webhook: webhook.into(), secret, public_key }
    }
}

impl From<WebhookConnection> for WebhookPage {
    fn from(page: WebhookConnection) -> Self {
        let page_info = PageInfo::of_edges(&page.edges, page.has_next_page, page.has_previous_page);
        Self { data: page.edges.into_iter().map(|(_, webhook)| webhook.into()).collect(), page_info }
    }
}

impl From<Delivery> for WebhookDelivery {
    fn from(delivery: Delivery) -> Self {
        let id = delivery.id;
        Self {
            status: delivery.status().as_str(),
            id: id.to_string(),
            webhook_id: id.webhook.to_string(),
            notice_id: id.notice.to_string(),
            kind: delivery.kind.map(NoticeKind::as_str),
            token_id: delivery.token_id.map(|id| id.to_string()),
            created_at: delivery.created_at.to_string(),
            attempts: delivery.attempts,
            next_attempt_at: text(delivery.next_attempt_at),
            delivered_at: text(delivery.delivered_at),
            dead_at: text(delivery.dead_at),
            last_status: delivery.last_status,
            last_error: delivery.last_error.map(Into::into),
        }
    }
}

impl From<DeliveryConnection> for WebhookDeliveryPage {
    fn from(page: DeliveryConnection) -> Self {
        let page_info = PageInfo::of_edges(&page.edges, page.has_next_page, page.has_previous_page);
        Self { data: page.edges.into_iter().map(|(_, delivery)| delivery.into()).collect(), page_info }
    }
}
