//! A webhook, and whether it works.

use super::settings::WebhookSettings;
use crate::domain::id::WebhookId;
use crate::domain::text::names;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Actor;

/// A webhook. Its secrets are not among these facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its identity.
    pub id: WebhookId,
    /// The settings.
    pub settings: WebhookSettings,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: Actor,
    /// When its settings were last changed, and by whom.
    pub updated: Option<(Timestamp, Actor)>,
    /// Since when the server sends nothing to it, and why.
    pub disabled: Option<(Timestamp, DisabledBecause)>,
    /// Until when messages are also signed with the secret before the current one.
    pub previous_secret_until: Option<Timestamp>,
    /// When it last accepted a message.
    pub last_success_at: Option<Timestamp>,
    /// When it last did not, and why. The text repeats nothing that it sent.
    pub last_failure: Option<(Timestamp, Box<str>)>,
    /// Since when it has accepted no message, although some were sent.
    pub failing_since: Option<Timestamp>,
}

/// Why the server sends nothing to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisabledBecause {
    /// It answered 410: it does not want any messages.
    Gone,
    /// It accepted a message at none of the attempts, until there were no more.
    Failing,
    /// For a reason that only a newer version knows. Read, never written.
    Unknown,
}

names! {
    DisabledBecause {
        Gone => "GONE",
        Failing => "FAILING",
        Unknown => "UNKNOWN",
    }
}

/// Whether a webhook works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookStatus {
    /// It gets messages.
    Active,
    /// It gets messages, and did not accept the last one.
    Failing,
    /// It gets no messages until it is enabled.
    Disabled,
}

names! {
    WebhookStatus {
        Active => "ACTIVE",
        Failing => "FAILING",
        Disabled => "DISABLED",
    }
}

impl Webhook {
    /// A new webhook, which is enabled.
    pub fn new(id: WebhookId, settings: WebhookSettings, created_at: Timestamp, created_by: Actor) -> Self {
        Self {
            id,
            settings,
            created_at,
            created_by,
            updated: None,
            disabled: None,
            previous_secret_until: None,
            last_success_at: None,
            last_failure: None,
            failing_since: None,
        }
    }

    /// Whether it works.
    pub fn status(&self) -> WebhookStatus {
        match (self.disabled, self.failing_since) {
            (Some(_), _) => WebhookStatus::Disabled,
            (None, Some(_)) => WebhookStatus::Failing,
            (None, None) => WebhookStatus::Active,
        }
    }
}
