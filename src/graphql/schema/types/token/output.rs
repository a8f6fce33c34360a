//! The outputs of mutations: each holds the API token that was changed.

use async_graphql::SimpleObject;

use crate::graphql::engine::ready::Ready;

use super::api_token::ApiToken;

/// The answer to `createAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "CreateAPITokenOutput", serial)]
pub(crate) struct CreateApiTokenOutput {
    /// The new API token; its `value` is shown here and never again.
    pub(crate) token: Ready<ApiToken>,
}

/// The answer to `rotateAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "RotateAPITokenOutput", serial)]
pub(crate) struct RotateApiTokenOutput {
    /// The rotated API token; its new `value` is shown here and never again.
    pub(crate) token: Ready<ApiToken>,
    /// The generation of the unused value that this rotation cancelled: the answer with it was lost, or you rotated
    /// twice with the same value. A cancelled value no longer works. Null if none was cancelled.
    pub(crate) cancelled_generation: Option<u32>,
}

/// The answer to `revokeAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "RevokeAPITokenOutput", serial)]
pub(crate) struct RevokeApiTokenOutput {
    /// The revoked API token.
    pub(crate) token: Ready<ApiToken>,
}

/// The answer to `updateAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "UpdateAPITokenOutput", serial)]
pub(crate) struct UpdateApiTokenOutput {
    /// The changed API token.
    pub(crate) token: Ready<ApiToken>,
}

/// The answer to `endAPITokenOverlap`.
#[derive(SimpleObject)]
#[graphql(name = "EndAPITokenOverlapOutput", serial)]
pub(crate) struct EndApiTokenOverlapOutput {
    /// The API token, whose current value is now the only one that works.
    pub(crate) token: Ready<ApiToken>,
}
