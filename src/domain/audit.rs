//! Audit events: who did what to which token, when, from where, and with which result. Never a value.

use core::net::IpAddr;
use std::collections::BTreeSet;

use super::error_code::ErrorCode;
use super::id::{EventId, MailDigestId, RequestId, TokenId, WebhookId};
use super::listing::End;
use super::reason::Reason;
use super::timestamp::Timestamp;
use crate::domain::text::names;
use crate::domain::token::Actor;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// A token was created.
    Created,
    /// A token whose value was issued elsewhere was imported.
    Imported,
    /// The settings of a token were changed.
    Updated,
    /// A token was rotated.
    Rotated,
    /// An unused value was cancelled and replaced, because its answer was lost (R5).
    Recovered,
    /// A rotation's answer was given again (R6).
    RotationRepeated,
    /// A rotation lost a race with another, or came too late (R5, R7), or would have cut off a value in use (R15).
    RotationRefused,
    /// A running overlap was ended early (R4), or because the previous value was silent (R15).
    OverlapEnded,
    /// A running overlap was not ended, because the previous value is in use (R15).
    OverlapEndRefused,
    /// A token was revoked.
    Revoked,
    /// A token was suspended.
    Suspended,
    /// A suspended token was resumed.
    Resumed,
    /// A token that missed its rotation period got a new value (R3).
    Revived,
    /// A value was reported to have leaked.
    LeakReported,
    /// Values were retired by the operator, because an older backup was restored, or because one of them has leaked.
    ValuesRetired,
    /// A rotation campaign was created.
    CampaignCreated,
    /// A rotation campaign was cancelled.
    CampaignCancelled,
    /// A rotation campaign ended, at its deadline or because all of its tokens were done.
    CampaignEnded,
    /// A retired value was presented (R8).
    ValueReused,
    /// A value was presented from an address or origin that is not allowed (R12).
    RestrictionRefused,
    /// A credential was presented that is not the value of any token.
    SignInRefused,
    /// A webhook was created.
    WebhookCreated,
    /// The settings of a webhook were changed.
    WebhookUpdated,
    /// A webhook was deleted.
    WebhookDeleted,
    /// A webhook got a new secret.
    WebhookSecretRotated,
    /// A webhook was disabled, because it accepts no messages.
    WebhookDisabled,
    /// A webhook that was disabled was enabled.
    WebhookEnabled,
    /// A test was sent to a webhook.
    WebhookTested,
    /// A notice was sent to a webhook again.
    WebhookDeliveryResent,
    /// A mail digest was created.
    MailDigestCreated,
    /// The settings of a mail digest were changed.
    MailDigestUpdated,
    /// A mail digest was deleted.
    MailDigestDeleted,
    /// A test was sent by a mail digest.
    MailDigestTested,
    /// An action that only a newer version knows, which shares the database during an upgrade. Read, never written.
    Unknown,
}

names! {
    Action {
        Created => "API_TOKEN_CREATED",
        Imported => "API_TOKEN_IMPORTED",
        Updated => "API_TOKEN_UPDATED",
        Rotated => "API_TOKEN_ROTATED",
        Recovered => "API_TOKEN_RECOVERED",
        RotationRepeated => "API_TOKEN_ROTATION_REPEATED",
        RotationRefused => "API_TOKEN_ROTATION_REFUSED",
        OverlapEnded => "API_TOKEN_OVERLAP_ENDED",
        OverlapEndRefused => "API_TOKEN_OVERLAP_END_REFUSED",
        Revoked => "API_TOKEN_REVOKED",
        Suspended => "API_TOKEN_SUSPENDED",
        Resumed => "API_TOKEN_RESUMED",
        Revived => "API_TOKEN_REVIVED",
        LeakReported => "API_TOKEN_LEAK_REPORTED",
        ValuesRetired => "API_TOKEN_VALUES_RETIRED",
        CampaignCreated => "ROTATION_CAMPAIGN_CREATED",
        CampaignCancelled => "ROTATION_CAMPAIGN_CANCELLED",
        CampaignEnded => "ROTATION_CAMPAIGN_ENDED",
        ValueReused => "API_TOKEN_VALUE_REUSED",
        RestrictionRefused => "API_TOKEN_RESTRICTION_REFUSED",
        SignInRefused => "SIGN_IN_REFUSED",
        WebhookCreated => "WEBHOOK_CREATED",
        WebhookUpdated => "WEBHOOK_UPDATED",
        WebhookDeleted => "WEBHOOK_DELETED",
        WebhookSecretRotated => "WEBHOOK_SECRET_ROTATED",
        WebhookDisabled => "WEBHOOK_DISABLED",
        WebhookEnabled => "WEBHOOK_ENABLED",
        WebhookTested => "WEBHOOK_TESTED",
        WebhookDeliveryResent => "WEBHOOK_DELIVERY_RESENT",
        MailDigestCreated => "MAIL_DIGEST_CREATED",
        MailDigestUpdated => "MAIL_DIGEST_UPDATED",
        MailDigestDeleted => "MAIL_DIGEST_DELETED",
        MailDigestTested => "MAIL_DIGEST_TESTED",
        Unknown => "UNKNOWN",
    }
}

/// Why something was refused, as it is stored in the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusedAs {
    /// With this code.
    Code(ErrorCode),
    /// With a code that only a newer version knows, which shares the database during an upgrade.
    Newer(String),
}

impl RefusedAs {
    /// The name of the code.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Code(code) => code.as_str(),
            Self::Newer(name) => name,
        }
    }

    /// The code of this name.
    pub fn of(name: &str) -> Self {
        ErrorCode::parse(name).map_or_else(|| Self::Newer(name.to_owned()), Self::Code)
    }

    /// The code, if this version knows it.
    pub fn code(&self) -> Option<ErrorCode> {
        if let Self::Code(code) = self { Some(*code) } else { None }
    }
}

/// The request in which something happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The client's address, if known.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header, cut to [`Provenance::MAX_USER_AGENT_LENGTH`] characters.
    pub user_agent: Option<String>,
    /// The request's own identity, as in the log and the `X-Request-Id` of the answer.
    pub request_id: Option<RequestId>,
}

impl Provenance {
    /// How many characters of a user agent are kept.
    pub const MAX_USER_AGENT_LENGTH: usize = 255;
}

/// One event of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its identity.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub action: Action,
    /// Why it was refused; `None` if it was done.
    pub refusal: Option<RefusedAs>,
    /// Who did it; `None` if unknown.
    pub actor: Option<Actor>,
    /// To which token; `None` if unknown.
    pub token_id: Option<TokenId>,
    /// To which webhook, if it was one.
    pub webhook_id: Option<WebhookId>,
    /// To which mail digest, if it was one.
    pub mail_digest_id: Option<MailDigestId>,
    /// The generation of the value concerned: the newest after a change, the one that was used in a refusal.
    pub generation: Option<u32>,
    /// In which request.
    pub provenance: Provenance,
    /// Why, as the caller says.
    pub reason: Reason,
}

impl AuditEvent {
    /// The same event with this reason.
    #[must_use]
    pub fn with_reason(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }
}

/// Which events. Every condition that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Events of one of these actions.
    pub actions: Option<BTreeSet<Action>>,
    /// Events about this token.
    pub token_id: Option<TokenId>,
    /// Events by the holder of this token.
    pub actor_id: Option<TokenId>,
    /// Events at or after this time.
    pub since: Option<Timestamp>,
    /// Events before this time.
    pub until: Option<Timestamp>,
}

/// One page of the audit log, which is listed newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// Which events.
    pub filter: AuditFilter,
    /// Only events after this one, which are older.
    pub after: Option<EventId>,
    /// Only events before this one, which are newer.
    pub before: Option<EventId>,
    /// How many.
    pub size: u32,
    /// From which end.
    pub end: End,
}

impl AuditFilter {
    /// Whether the event is one of these.
    pub fn admits(&self, event: &AuditEvent) -> bool {
        let actor = event.actor.and_then(Actor::token_id);
        self.actions.as_ref().is_none_or(|actions| actions.contains(&event.action))
            && self.token_id.is_none_or(|id| event.token_id == Some(id))
            && self.actor_id.is_none_or(|id| actor == Some(id))
            && self.since.is_none_or(|since| since <= event.at)
            && self.until.is_none_or(|until| event.at < until)
    }
}
