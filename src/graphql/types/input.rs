//! What clients send.

use async_graphql::{ID, InputObject};

use crate::domain::listing::{Filter, Order};
use crate::domain::settings::SettingsDraft;
use crate::domain::token::TokenKind;

use super::date_time::DateTime;
use super::enums::{ApiTokenKind, ApiTokenOrderField, ApiTokenStatus, OrderDirection, Permission};

/// The settings of a new API token.
#[derive(InputObject)]
#[graphql(name = "CreateAPITokenInput")]
pub(in crate::graphql) struct CreateApiTokenInput {
    /// A name for people: one line of 1 to 255 characters.
    name: String,
    /// What the token is for: at most 2,000 characters.
    description: Option<String>,
    /// Whose token it is: any string of yours, one line of 1 to 255 characters.
    owner: Option<String>,
    /// Who will hold it; `PRIVATE` if left out.
    kind: Option<ApiTokenKind>,
    /// What it may do to Rotakey itself; nothing if left out. You cannot give what you do not hold.
    permissions: Option<Vec<Permission>>,
    /// What it may do to the API it protects, one scope an item (RFC 6749 section 3.3). You cannot give what you do not hold.
    scopes: Option<Vec<String>>,
    /// The end of its life, which no rotation moves; none if left out.
    expires_at: Option<DateTime>,
    /// The longest time it may go without being rotated, in minutes, at least 1; none if left out.
    rotation_period_minutes: Option<i32>,
    /// How long the previous value still works after a rotation, in minutes: 0 to one whole rotation period, 10 if left out.
    /// With 0, a client whose answer to a rotation is lost is locked out.
    overlap_minutes: Option<i32>,
}

impl From<CreateApiTokenInput> for SettingsDraft {
    fn from(input: CreateApiTokenInput) -> Self {
        Self {
            name: input.name,
            description: input.description,
            owner: input.owner,
            kind: input.kind.map_or(TokenKind::Private, TokenKind::from),
            permissions: input.permissions.unwrap_or_default().into_iter().map(Into::into).collect(),
            scopes: input.scopes.unwrap_or_default(),
            expires_at: input.expires_at.map(|DateTime(at)| at),
            rotation_period_minutes: input.rotation_period_minutes,
            overlap_minutes: input.overlap_minutes,
        }
    }
}

/// Which API token to rotate.
#[derive(InputObject)]
#[graphql(name = "RotateAPITokenInput")]
pub(in crate::graphql) struct RotateApiTokenInput {
    /// The API token to rotate; the caller's own if left out. Another's needs `API_TOKEN_MODIFY` and all that it holds.
    pub(in crate::graphql) id: Option<ID>,
}

/// Which API token to revoke.
#[derive(InputObject)]
#[graphql(name = "RevokeAPITokenInput")]
pub(in crate::graphql) struct RevokeApiTokenInput {
    /// The API token to revoke, for ever. One's own needs no permission, another's `API_TOKEN_MODIFY`.
    pub(in crate::graphql) id: ID,
}

/// Which API tokens to list. Every condition that is given must hold.
#[derive(InputObject)]
#[graphql(name = "APITokenFilter")]
pub(in crate::graphql) struct ApiTokenFilter {
    /// Those whose status is one of these.
    status: Option<Vec<ApiTokenStatus>>,
    /// Those whose name contains this text, ASCII letters of either case alike.
    name: Option<String>,
    /// Those of exactly this owner.
    owner: Option<String>,
    /// Those of this kind.
    kind: Option<ApiTokenKind>,
}

impl From<ApiTokenFilter> for Filter {
    fn from(filter: ApiTokenFilter) -> Self {
        Self {
            status: filter.status.map(|statuses| statuses.into_iter().map(Into::into).collect()),
            name: filter.name,
            owner: filter.owner,
            kind: filter.kind.map(Into::into),
        }
    }
}

/// In what order to list API tokens.
#[derive(InputObject)]
#[graphql(name = "APITokenOrder")]
pub(in crate::graphql) struct ApiTokenOrder {
    /// By what.
    field: ApiTokenOrderField,
    /// Which end comes first.
    direction: OrderDirection,
}

impl From<ApiTokenOrder> for Order {
    fn from(order: ApiTokenOrder) -> Self {
        Self { field: order.field.into(), descending: order.direction == OrderDirection::Desc }
    }
}
