//! The inputs of the mutations of webhooks.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::enums::NoticeKind;
use crate::domain::notice::{self, WebhookChange};

/// A webhook to be created.
#[derive(InputObject)]
pub(crate) struct CreateWebhookInput {
    /// Where messages are sent: an address with `https`, of at most 2,048 bytes, without a name, a password and a fragment. Addresses of
    /// private networks, and `http`, need the server's `--webhook-allow-networks`.
    url: String,
    /// What it is for: at most 2,000 characters.
    description: Option<String>,
    /// The kinds of notices that it gets; all if empty or left out.
    kinds: Option<Vec<NoticeKind>>,
    /// The owners whose API tokens it gets notices of, at most 100; those of all API tokens if empty or left out.
    owners: Option<Vec<String>>,
}

/// A change of a webhook. What is left out stays as it is.
#[derive(InputObject)]
pub(crate) struct UpdateWebhookInput {
    /// The webhook to change.
    pub(crate) id: ID,
    /// Where messages are sent: an address with `https`, of at most 2,048 bytes, without a name, a password and a fragment. Addresses of
    /// private networks, and `http`, need the server's `--webhook-allow-networks`.
    url: Option<String>,
    /// What it is for: at most 2,000 characters; null removes it.
    description: MaybeUndefined<String>,
    /// The kinds of notices that it gets; all if empty.
    kinds: Option<Vec<NoticeKind>>,
    /// The owners whose API tokens it gets notices of, at most 100; those of all API tokens if empty.
    owners: Option<Vec<String>>,
}

/// Which webhook to delete.
#[derive(InputObject)]
pub(crate) struct DeleteWebhookInput {
    /// Its id.
    pub(crate) id: ID,
}

/// Which webhook to enable.
#[derive(InputObject)]
pub(crate) struct EnableWebhookInput {
    /// Its id.
    pub(crate) id: ID,
}

/// Which webhook to test.
#[derive(InputObject)]
pub(crate) struct TestWebhookInput {
    /// Its id.
    pub(crate) id: ID,
}

/// Which webhook gets a new secret.
#[derive(InputObject)]
pub(crate) struct RotateWebhookSecretInput {
    /// Its id.
    pub(crate) id: ID,
    /// For how many minutes messages are also signed with the secret before, 0 to 43,200 (30 days); 1,440 (a day) if left out.
    pub(crate) overlap_minutes: Option<i32>,
}

/// Which delivery to send again.
#[derive(InputObject)]
pub(crate) struct ResendWebhookDeliveryInput {
    /// Its id.
    pub(crate) id: ID,
}

fn kinds(kinds: Vec<NoticeKind>) -> Vec<notice::NoticeKind> {
    kinds.into_iter().map(Into::into).collect()
}

impl From<CreateWebhookInput> for WebhookChange {
    fn from(input: CreateWebhookInput) -> Self {
        let CreateWebhookInput { url, description, kinds: given, owners } = input;
        Self { url: Some(url), description: description.map(Some), kinds: given.map(kinds), owners }
    }
}

impl From<UpdateWebhookInput> for WebhookChange {
    fn from(input: UpdateWebhookInput) -> Self {
        let UpdateWebhookInput { id: _, url, description, kinds: given, owners } = input;
        let description = match description {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(text) => Some(Some(text)),
        };
        Self { url, description, kinds: given.map(kinds), owners }
    }
}
