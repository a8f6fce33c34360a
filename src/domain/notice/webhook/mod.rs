//! Webhooks: where notices are sent.

mod facts;
mod secret;
mod settings;
mod url;

pub use facts::{DisabledBecause, Webhook, WebhookStatus};
pub use secret::{
    DEFAULT_SECRET_OVERLAP_MINUTES, MAX_SECRET_OVERLAP_MINUTES, WebhookSecret, WebhookSecrets, secret_overlap,
};
pub(super) use settings::owners;
pub use settings::{Kinds, MAX_OWNERS, MAX_WEBHOOKS, WebhookChange, WebhookSettings};
pub use url::MAX_WEBHOOK_URL_LENGTH;
