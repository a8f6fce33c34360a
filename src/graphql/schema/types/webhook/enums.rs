//! The enums of webhooks.

use async_graphql::Enum;

use crate::domain::notice;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "notice::NoticeKind")]
pub(crate) enum NoticeKind {
    /// An API token expires soon: `api_token.expiring`.
    Expiring,
    /// An API token must be rotated soon: `api_token.rotation_due`.
    RotationDue,
    /// An overlap ends soon, and the previous value is still in use: `api_token.overlap_ending`.
    OverlapEnding,
    /// An API token has not been used for long: `api_token.unused`.
    Unused,
    /// A retired value was used: `api_token.value_reused`.
    ValueReused,
    /// A value was reported to have leaked: `api_token.leaked`.
    Leaked,
    /// An API token was revoked: `api_token.revoked`.
    Revoked,
    /// A value was used from an address or origin that is not allowed: `api_token.restriction_refused`.
    RestrictionRefused,
    /// Somebody tests the webhook: `webhook.test`. A webhook gets its tests whatever its `kinds` are.
    Test,
}

/// Whether a webhook works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "notice::WebhookStatus")]
pub(crate) enum WebhookStatus {
    /// It gets messages.
    Active,
    /// It gets messages, and did not accept the last one.
    Failing,
    /// The server sends nothing to it until it is enabled.
    Disabled,
}

/// Why the server disabled a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "notice::DisabledBecause")]
pub(crate) enum WebhookDisabledBecause {
    /// It answered with the status 410: it does not want any messages.
    Gone,
    /// A message was sent again and again, and never accepted.
    Failing,
    /// For a reason that only a newer version of Rotakey knows.
    Unknown,
}

/// Whether a delivery is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "notice::DeliveryStatus")]
pub(crate) enum WebhookDeliveryStatus {
    /// It is to be sent, for the first time or again.
    Pending,
    /// The webhook accepted it.
    Delivered,
    /// It was given up. It can be sent again with `resendWebhookDelivery`.
    Dead,
}
