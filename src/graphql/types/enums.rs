//! The enums of the contract. Each is tied to its domain counterpart both ways, so that neither can grow alone.

use async_graphql::Enum;

use crate::domain::{lifecycle, listing, token};

/// Who holds an API token, and so who may rotate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "APITokenKind", remote = "token::TokenKind")]
pub(in crate::graphql) enum ApiTokenKind {
    /// Held by a server: may rotate itself and may hold permissions.
    Private,
    /// Shipped in a page or an app, where anyone can copy it: holds scopes only and is rotated by someone else.
    Public,
}

/// What an API token is at the moment of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "APITokenStatus", remote = "lifecycle::Status")]
pub(in crate::graphql) enum ApiTokenStatus {
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
pub(in crate::graphql) enum Permission {
    /// Read every API token.
    ApiTokenRead,
    /// Create, update, rotate and revoke API tokens that hold no more than oneself.
    ApiTokenModify,
    /// Ask whether a presented value is good.
    ApiTokenVerify,
    /// Read the audit log.
    AuditLogRead,
}

/// By what API tokens are ordered. Ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "APITokenOrderField", remote = "listing::OrderField")]
pub(in crate::graphql) enum ApiTokenOrderField {
    /// By creation.
    CreatedAt,
    /// By name, by Unicode code point.
    Name,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(in crate::graphql) enum OrderDirection {
    /// The smallest, or the oldest, first.
    Asc,
    /// The greatest, or the newest, first.
    Desc,
}

/// Of what kind an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(in crate::graphql) enum ActorKind {
    /// The holder of an API token.
    ApiToken,
    /// The operator of the server, at its command line or at its first start.
    System,
}
