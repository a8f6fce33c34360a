//! What mutations answer: the thing that was changed, under its own name.

use async_graphql::SimpleObject;

use super::api_token::ApiToken;

/// The answer to `createAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "CreateAPITokenOutput")]
pub(in crate::graphql) struct CreateApiTokenOutput {
    /// The new API token; its `value` is told here and never again.
    pub(in crate::graphql) token: ApiToken,
}

/// The answer to `rotateAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "RotateAPITokenOutput")]
pub(in crate::graphql) struct RotateApiTokenOutput {
    /// The rotated API token; its new `value` is told here and never again.
    pub(in crate::graphql) token: ApiToken,
}

/// The answer to `revokeAPIToken`.
#[derive(SimpleObject)]
#[graphql(name = "RevokeAPITokenOutput")]
pub(in crate::graphql) struct RevokeApiTokenOutput {
    /// The revoked API token.
    pub(in crate::graphql) token: ApiToken,
}
