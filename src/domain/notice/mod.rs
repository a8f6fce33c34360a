//! Notices: messages about a token before or when something happens to it, and the webhooks that get them.

mod delivery;
mod kind;
mod message;
mod webhook;

pub use delivery::{Delivery, DeliveryId, DeliveryStatus};
pub use kind::NoticeKind;
pub use message::{Notice, Subject};
pub use webhook::{
    DisabledBecause, Kinds, MAX_OWNERS, MAX_WEBHOOK_URL_LENGTH, Webhook, WebhookChange, WebhookSecret, WebhookSecrets,
    WebhookSettings, WebhookStatus,
};
