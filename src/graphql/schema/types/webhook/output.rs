//! The outputs of the mutations of webhooks.

use async_graphql::{ID, SimpleObject};

use super::delivery::WebhookDelivery;
use super::object::Webhook;
use crate::graphql::engine::ready::Ready;
use crate::service::IssuedWebhook;

/// The answer to `createWebhook`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct CreateWebhookOutput {
    /// The new webhook.
    webhook: Ready<Webhook>,
    /// The key with which the receiver verifies the signatures `v1` (HMAC-SHA256): `whsec_…`. It is shown here and never again.
    secret: String,
    /// The key with which the receiver verifies the signatures `v1a` (Ed25519): `whpk_…`. It is no secret.
    public_key: String,
}

/// The answer to `rotateWebhookSecret`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct RotateWebhookSecretOutput {
    /// The webhook.
    webhook: Ready<Webhook>,
    /// The new key with which the receiver verifies the signatures `v1` (HMAC-SHA256): `whsec_…`. It is shown here and never again.
    secret: String,
    /// The new key with which the receiver verifies the signatures `v1a` (Ed25519): `whpk_…`. It is no secret.
    public_key: String,
}

/// The answer to `updateWebhook`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct UpdateWebhookOutput {
    /// The changed webhook.
    pub(crate) webhook: Ready<Webhook>,
}

/// The answer to `enableWebhook`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct EnableWebhookOutput {
    /// The webhook, which is enabled.
    pub(crate) webhook: Ready<Webhook>,
}

/// The answer to `deleteWebhook`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct DeleteWebhookOutput {
    /// The id of the webhook that was deleted.
    pub(crate) deleted_id: ID,
}

/// The answer to `testWebhook`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct TestWebhookOutput {
    /// The test on its way: ask `webhookDeliveries` what became of it.
    pub(crate) delivery: Ready<WebhookDelivery>,
}

/// The answer to `resendWebhookDelivery`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct ResendWebhookDeliveryOutput {
    /// The delivery, which is pending again.
    pub(crate) delivery: Ready<WebhookDelivery>,
}

impl From<IssuedWebhook> for CreateWebhookOutput {
    fn from(IssuedWebhook { webhook, issued }: IssuedWebhook) -> Self {
        let (secret, public_key) = (issued.expose().to_owned(), issued.public_key().to_owned());
        Self { webhook: Webhook::from(webhook).into(), secret, public_key }
    }
}

impl From<IssuedWebhook> for RotateWebhookSecretOutput {
    fn from(IssuedWebhook { webhook, issued }: IssuedWebhook) -> Self {
        let (secret, public_key) = (issued.expose().to_owned(), issued.public_key().to_owned());
        Self { webhook: Webhook::from(webhook).into(), secret, public_key }
    }
}
