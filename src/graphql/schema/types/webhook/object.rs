//! `Webhook`.

use async_graphql::{ID, SimpleObject};

use super::enums::{NoticeKind, WebhookDisabledBecause, WebhookStatus};
use crate::domain::notice;
use crate::graphql::engine::ready::Ready;
use crate::graphql::schema::types::actor::Actor;
use crate::graphql::schema::types::leaf::date_time::DateTime;

/// A URL to which the server sends notices of what happens to API tokens. Its secret is shown when it is issued, and never again.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct Webhook {
    /// Its id. Ids sort by creation.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// Where messages are sent.
    url: String,
    /// What it is for.
    description: Option<String>,
    /// The kinds of notices that it gets; all if empty.
    kinds: Vec<NoticeKind>,
    /// The owners whose API tokens it gets notices of; those of all API tokens if empty.
    owners: Vec<String>,
    /// Whether it works.
    status: WebhookStatus,
    /// When it was created.
    created_at: DateTime,
    /// Who created it.
    created_by: Ready<Actor>,
    /// When its settings were last changed; null if never.
    updated_at: Option<DateTime>,
    /// Who last changed its settings; null if never changed.
    updated_by: Option<Ready<Actor>>,
    /// Since when the server sends nothing to it; null if it does.
    disabled_at: Option<DateTime>,
    /// Why the server sends nothing to it; null if it does.
    disabled_because: Option<WebhookDisabledBecause>,
    /// Until when messages are also signed with the secret before the current one; null if that was never so.
    previous_secret_until: Option<DateTime>,
    /// When it last accepted a message; null if never.
    last_success_at: Option<DateTime>,
    /// When it last did not accept a message; null if never.
    last_failure_at: Option<DateTime>,
    /// Why it last did not accept a message, for people; null if that never happened.
    last_failure: Option<String>,
    /// Since when it has not accepted any message; null if it accepted the last one.
    failing_since: Option<DateTime>,
}

impl From<notice::Webhook> for Webhook {
    fn from(webhook: notice::Webhook) -> Self {
        let status = webhook.status();
        let (last_failure_at, last_failure) = webhook.last_failure.unzip();
        let (updated_at, updated_by) = webhook.updated.unzip();
        let (disabled_at, disabled_because) = webhook.disabled.unzip();
        let settings = webhook.settings;
        Self {
            id: ID(webhook.id.to_string()),
            url: settings.url.into(),
            description: settings.description.map(Into::into),
            kinds: settings.kinds.iter().map(Into::into).collect(),
            owners: settings.owners.into_iter().map(Into::into).collect(),
            status: status.into(),
            created_at: webhook.created_at.into(),
            created_by: Actor::from(webhook.created_by).into(),
            updated_at: updated_at.map(Into::into),
            updated_by: updated_by.map(|by| Actor::from(by).into()),
            disabled_at: disabled_at.map(Into::into),
            disabled_because: disabled_because.map(Into::into),
            previous_secret_until: webhook.previous_secret_until.map(Into::into),
            last_success_at: webhook.last_success_at.map(Into::into),
            last_failure_at: last_failure_at.map(Into::into),
            last_failure: last_failure.map(Into::into),
            failing_since: webhook.failing_since.map(Into::into),
        }
    }
}
