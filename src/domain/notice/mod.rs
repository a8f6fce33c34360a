//! Notices: messages about a token before or when something happens to it, and the webhooks and mail digests that get them.

mod deadline;
mod delivery;
mod digest;
mod kind;
mod message;
mod webhook;

pub use deadline::{Deadline, Passed};
pub use delivery::{Delivery, DeliveryId, DeliveryStatus};
pub use digest::{
    DEFAULT_MINUTE_OF_DAY, DigestContent, DigestLine, DigestSection, MAX_MAIL_ADDRESS_LENGTH, MAX_MAIL_DIGESTS,
    MAX_MINUTE_OF_DAY, MailDigest, MailDigestChange, MailDigestFrequency, MailDigestSettings, MailDigestStatus,
    Schedule,
};
pub use kind::NoticeKind;
pub use message::{Notice, Subject};
pub use webhook::{
    DEFAULT_SECRET_OVERLAP_MINUTES, DisabledBecause, Kinds, MAX_OWNERS, MAX_SECRET_OVERLAP_MINUTES,
    MAX_WEBHOOK_URL_LENGTH, MAX_WEBHOOKS, Webhook, WebhookChange, WebhookSecret, WebhookSecrets, WebhookSettings,
    WebhookStatus, secret_overlap,
};
