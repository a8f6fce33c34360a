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

/// What an API token is at the moment of the answer.
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
    /// Create, update and rotate API tokens that hold no more than oneself, revoke any, and see those that are touched.
    ApiTokenModify,
    /// Ask whether a presented value is good.
    ApiTokenVerify,
    /// Read the audit log.
    AuditLogRead,
}

/// From when on the overlap after a rotation is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::OverlapStart")]
pub(crate) enum OverlapStart {
    /// From the rotation.
    Rotation,
    /// From the first use of the new value: a client that has not yet received it is never cut off.
    FirstUse,
}

/// What happens when a value is presented that works no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::ReusePolicy")]
pub(crate) enum ReusePolicy {
    /// It is recorded in the audit log.
    Alert,
    /// It is recorded in the audit log, and the API token is revoked.
    Revoke,
}

/// What an audit event tells of.
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
    /// An unused value was cancelled and replaced, because its answer was lost.
    #[graphql(name = "API_TOKEN_RECOVERED")]
    Recovered,
    /// The answer of a rotation was given again to the same request.
    #[graphql(name = "API_TOKEN_ROTATION_REPEATED")]
    RotationRepeated,
    /// A rotation lost against another, or came too late.
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
    /// A value was presented that works no more.
    #[graphql(name = "API_TOKEN_VALUE_REUSED")]
    ValueReused,
    /// A good value was presented from where it may not be used.
    #[graphql(name = "API_TOKEN_RESTRICTION_REFUSED")]
    RestrictionRefused,
    /// A credential was presented that is the value of no API token.
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

/// Of what kind an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "token::ActorKind")]
pub(crate) enum ActorKind {
    /// The holder of an API token.
    ApiToken,
    /// The operator of the server, at its command line or at its first start.
    System,
}
