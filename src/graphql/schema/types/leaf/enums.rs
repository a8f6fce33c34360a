//! The enums of the contract. Each converts to and from its domain counterpart, so a variant missing on either side does not
//! compile.

use async_graphql::Enum;

use crate::domain::rule::{lifecycle, verification};
use crate::domain::{audit, listing, token};

/// Who holds an API token, and therefore who may rotate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "APITokenKind", remote = "token::TokenKind")]
pub(crate) enum ApiTokenKind {
    /// Held by a server. It may rotate itself, and may have permissions.
    Private,
    /// Shipped in a web page or an app, where anyone can copy it. It may have scopes but no permissions, and cannot
    /// rotate itself.
    Public,
}

/// The status of an API token at the time of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "APITokenStatus", remote = "lifecycle::Status")]
pub(crate) enum ApiTokenStatus {
    /// Its current value works.
    Active,
    /// It was suspended. No value works until it is resumed.
    Suspended,
    /// Its `notBefore` has not come yet.
    NotYetValid,
    /// Its `expiresAt` has passed. It can no longer be rotated.
    Expired,
    /// It was not rotated within its rotation period, and can no longer be rotated.
    RotationOverdue,
    /// It was revoked, which is final.
    Revoked,
}

/// What an API token may do to Rotakey itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::Permission")]
pub(crate) enum Permission {
    /// Read every API token.
    ApiTokenRead,
    /// Create, update, rotate, suspend, resume and revoke other API tokens. To create, update, rotate or resume one, you
    /// need every permission and scope that it has; to suspend or revoke one, every permission.
    ApiTokenModify,
    /// Verify values that clients sent you, by `verifyAPIToken`, `verifyAPITokens` or `/introspect`.
    ApiTokenVerify,
    /// Read the audit log, and subscribe to it.
    AuditLogRead,
    /// Manage webhooks and mail digests, together with `API_TOKEN_READ`: whoever receives their messages learns names and owners.
    WebhookModify,
}

/// When the overlap after a rotation starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::OverlapStart")]
pub(crate) enum OverlapStart {
    /// At the rotation.
    Rotation,
    /// At the first use of the new value, so the previous value is not retired before the client has received the new one.
    FirstUse,
}

/// When the overlap after a rotation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::OverlapEnd")]
pub(crate) enum OverlapEnd {
    /// After `overlapMinutes`.
    OnTime,
    /// When the new value was used and the previous one has not been used for `silentMinutes`; after `overlapMinutes` at
    /// the latest.
    WhenSilent,
}

/// What happens when a client sends a retired value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::ReusePolicy")]
pub(crate) enum ReusePolicy {
    /// It is recorded in the audit log.
    Alert,
    /// It is recorded in the audit log, and the API token is revoked.
    Revoke,
}

/// What happens when a value that works is reported to have leaked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::LeakPolicy")]
pub(crate) enum LeakPolicy {
    /// It is recorded in the audit log.
    Alert,
    /// It is recorded in the audit log, and the value is retired. If it is the current value, the API token has no value
    /// that works until somebody else rotates it by its id.
    Retire,
    /// It is recorded in the audit log, and the API token is revoked.
    Revoke,
}

/// What happened in an audit event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "audit::Action")]
pub(crate) enum AuditAction {
    /// An API token was created.
    #[graphql(name = "API_TOKEN_CREATED")]
    Created,
    /// An API token was imported, whose value was issued elsewhere.
    #[graphql(name = "API_TOKEN_IMPORTED")]
    Imported,
    /// The settings of an API token were changed.
    #[graphql(name = "API_TOKEN_UPDATED")]
    Updated,
    /// An API token was rotated.
    #[graphql(name = "API_TOKEN_ROTATED")]
    Rotated,
    /// An unused value was cancelled and replaced, because the answer with it was lost.
    #[graphql(name = "API_TOKEN_RECOVERED")]
    Recovered,
    /// The same rotation was requested again and got the same answer.
    #[graphql(name = "API_TOKEN_ROTATION_REPEATED")]
    RotationRepeated,
    /// A rotation was refused: another one won, it came too late, or the value that it would have retired is in use.
    #[graphql(name = "API_TOKEN_ROTATION_REFUSED")]
    RotationRefused,
    /// A running overlap was ended early, or by itself because the previous value was silent.
    #[graphql(name = "API_TOKEN_OVERLAP_ENDED")]
    OverlapEnded,
    /// A running overlap was not ended, because the previous value is in use.
    #[graphql(name = "API_TOKEN_OVERLAP_END_REFUSED")]
    OverlapEndRefused,
    /// An API token was revoked.
    #[graphql(name = "API_TOKEN_REVOKED")]
    Revoked,
    /// An API token was suspended.
    #[graphql(name = "API_TOKEN_SUSPENDED")]
    Suspended,
    /// A suspended API token was resumed.
    #[graphql(name = "API_TOKEN_RESUMED")]
    Resumed,
    /// An API token that was not rotated within its rotation period got a new value.
    #[graphql(name = "API_TOKEN_REVIVED")]
    Revived,
    /// A value of an API token was reported to have leaked.
    #[graphql(name = "API_TOKEN_LEAK_REPORTED")]
    LeakReported,
    /// Values of an API token were retired: by the operator, because an older backup was restored, or because one of them has
    /// leaked.
    #[graphql(name = "API_TOKEN_VALUES_RETIRED")]
    ValuesRetired,
    /// A rotation campaign was created. `reason` begins with its id.
    #[graphql(name = "ROTATION_CAMPAIGN_CREATED")]
    CampaignCreated,
    /// A rotation campaign was cancelled. `reason` begins with its id.
    #[graphql(name = "ROTATION_CAMPAIGN_CANCELLED")]
    CampaignCancelled,
    /// A rotation campaign ended, at its deadline or because all of its API tokens were done. `reason` begins with its id.
    #[graphql(name = "ROTATION_CAMPAIGN_ENDED")]
    CampaignEnded,
    /// A retired value was used.
    #[graphql(name = "API_TOKEN_VALUE_REUSED")]
    ValueReused,
    /// A value was used from an address or origin that is not allowed.
    #[graphql(name = "API_TOKEN_RESTRICTION_REFUSED")]
    RestrictionRefused,
    /// A credential was used that is not the value of any API token.
    #[graphql(name = "SIGN_IN_REFUSED")]
    SignInRefused,
    /// A webhook was created.
    WebhookCreated,
    /// The settings of a webhook were changed.
    WebhookUpdated,
    /// A webhook was deleted.
    WebhookDeleted,
    /// A webhook got a new secret.
    WebhookSecretRotated,
    /// A webhook was disabled by the server, because it accepts no messages.
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
    /// An action that only a newer version of Rotakey knows. You can get it while an upgrade lasts; once all replicas are
    /// upgraded, the same event has its own action.
    #[graphql(name = "UNKNOWN")]
    Unknown,
}

/// The field to order API tokens by. Ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "APITokenOrderField", remote = "listing::OrderField")]
pub(crate) enum ApiTokenOrderField {
    /// By creation time.
    CreatedAt,
    /// By name, by Unicode code point.
    Name,
    /// By `expiresAt`. API tokens that never expire come after all others.
    ExpiresAt,
    /// By `rotateBy`, also if it has passed. API tokens without a rotation period come after all others.
    RotateBy,
    /// By the last use. API tokens that were never used come before all others. The order is right to within ten minutes: it is
    /// written less often than `lastUsedAt`.
    LastUsedAt,
}

/// Ascending or descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum OrderDirection {
    /// Ascending: the smallest or the oldest first.
    Asc,
    /// Descending: the greatest or the newest first.
    Desc,
}

/// The kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::ActorKind")]
pub(crate) enum ActorKind {
    /// The holder of an API token.
    ApiToken,
    /// The operator of the server: a command, or the first start.
    System,
}

/// The result of a verification. All codes but the first two are also error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "verification::VerificationCode")]
pub(crate) enum VerificationCode {
    /// The value is valid, and the API token has every required scope.
    Valid,
    /// The value is valid, but the API token lacks a required scope.
    ScopeMissing,
    /// No API token has or had this value.
    Unauthenticated,
    /// The API token's `expiresAt` has passed.
    TokenExpired,
    /// The API token was revoked.
    TokenRevoked,
    /// The API token is suspended, until it is resumed.
    TokenSuspended,
    /// The API token's `notBefore` has not come yet.
    NotYetValid,
    /// The API token was not rotated within its rotation period.
    RotationOverdue,
    /// The value was replaced and its overlap is over, or it was cancelled unused.
    ValueRetired,
    /// The previous value fails for some seconds, because the rotation asked for brown-outs.
    BrownOut,
    /// The API token may not be used from this address.
    AddressRefused,
    /// The API token may not be used from this web origin.
    OriginRefused,
}
