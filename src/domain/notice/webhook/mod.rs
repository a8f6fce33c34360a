//! Webhooks: where notices are sent.

mod facts;
mod secret;
mod settings;
mod url;

pub use facts::{DisabledBecause, Webhook, WebhookStatus};
pub use secret::{WebhookSecret, WebhookSecrets};
pub use settings::{Kinds, MAX_OWNERS, WebhookChange, WebhookSettings};
pub use url::MAX_WEBHOOK_URL_LENGTH;
