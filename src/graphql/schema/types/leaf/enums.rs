//! The enums of the contract. Each is tied to its domain counterpart both ways, so that neither can grow alone.

use async_graphql::Enum;

use crate::domain::rule::lifecycle;
use crate::domain::{audit, listing, token};

/// Who holds an API token, and so who may rotate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "APITokenKind", remote = "token::TokenKind")]
pub(crate) enum ApiTokenKind {
    /// Held by a server: may rotate itself and may hold permissions.
    Private,
    /// Shipped in a page or an app, where anyone can copy it: holds scopes only and is rotated by someone else.
    Public,
}

/// The status of an API token at the time of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "APITokenStatus", remote = "lifecycle::Status")]
pub(crate) enum ApiTokenStatus {
    /// It works.
    Active,
    /// Past `expiresAt`; no rotation brings it back.
    Expired,
    /// It went a whole rotation period without being rotated; no rotation brings it back.
    RotationOverdue,
    /// Revoked, which is final.
    Revoked,
}

/// What an API token may do to Rotakey itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::Permission")]
pub(crate) enum Permission {
    /// Read every API token.
    ApiTokenRead,
    /// Create, update and rotate API tokens that have no more permissions and scopes than your own, and revoke those
    /// that have no more permissions.
    ApiTokenModify,
    /// Ask whether a value is valid.
    ApiTokenVerify,
    /// Read the audit log.
    AuditLogRead,
}

/// When the overlap after a rotation starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::OverlapStart")]
pub(crate) enum OverlapStart {
    /// At the rotation.
    Rotation,
    /// At the first use of the new value, so no client is cut off before it has received that value.
    FirstUse,
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

/// What happened in an audit event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "audit::Action")]
pub(crate) enum AuditAction {
    /// An API token was created.
    #[graphql(name = "API_TOKEN_CREATED")]
    Created,
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
    /// A rotation was refused, because another one won or it came too late.
    #[graphql(name = "API_TOKEN_ROTATION_REFUSED")]
    RotationRefused,
    /// A running overlap was ended early.
    #[graphql(name = "API_TOKEN_OVERLAP_ENDED")]
    OverlapEnded,
    /// An API token was revoked.
    #[graphql(name = "API_TOKEN_REVOKED")]
    Revoked,
    /// The operator retired values of an API token, because an older backup was restored.
    #[graphql(name = "API_TOKEN_VALUES_RETIRED")]
    ValuesRetired,
    /// A retired value was used.
    #[graphql(name = "API_TOKEN_VALUE_REUSED")]
    ValueReused,
    /// A value was used from an address or origin that is not allowed.
    #[graphql(name = "API_TOKEN_RESTRICTION_REFUSED")]
    RestrictionRefused,
    /// A credential was used that is not the value of any API token.
    #[graphql(name = "SIGN_IN_REFUSED")]
    SignInRefused,
}

/// By what API tokens are ordered. Ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "APITokenOrderField", remote = "listing::OrderField")]
pub(crate) enum ApiTokenOrderField {
    /// By creation.
    CreatedAt,
    /// By name, by Unicode code point.
    Name,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum OrderDirection {
    /// The smallest, or the oldest, first.
    Asc,
    /// The greatest, or the newest, first.
    Desc,
}

/// The kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::ActorKind")]
pub(crate) enum ActorKind {
    /// The holder of an API token.
    ApiToken,
    /// The operator of the server, at its command line or at its first start.
    System,
}
