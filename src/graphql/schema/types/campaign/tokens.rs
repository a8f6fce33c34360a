//! The API tokens of a rotation campaign, each with what has become of it.

use async_graphql::{ID, SimpleObject};

use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::graphql::schema::types::leaf::error_code::ErrorCode;
use crate::graphql::schema::types::leaf::int::int;
use crate::graphql::schema::types::page_info::PageInfo;
use crate::graphql::schema::types::token::api_token::ApiToken;
use crate::service::{CampaignToken, CampaignTokenPage};

use super::enums::RotationCampaignTokenState;

/// A page of the API tokens of a rotation campaign, oldest first.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct RotationCampaignTokenConnection {
    /// The API tokens of the page. With `states`, it may have fewer than `first`, or none, although there are more.
    nodes: ReadyList<Ready<RotationCampaignToken>>,
    /// Where the page is in the listing. As long as `hasNextPage` is true, repeat the query with `endCursor` as `after`.
    page_info: Ready<PageInfo>,
}

/// An API token of a rotation campaign.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct RotationCampaignToken {
    /// The id of the API token.
    token_id: ID,
    /// The API token as it is now; null if there is no such API token any more.
    token: Option<Ready<ApiToken>>,
    /// What has become of it: by now, or by the time when the campaign ended.
    state: RotationCampaignTokenState,
    /// Values of this generation and earlier ones are old: they were issued before the campaign.
    old_generation: i32,
    /// Why it must not be revoked at the deadline; null if it may, or if the campaign revokes nothing. After the end of the
    /// campaign: why it was not.
    refusal: Option<ErrorCode>,
}

impl From<CampaignTokenPage> for RotationCampaignTokenConnection {
    fn from(page: CampaignTokenPage) -> Self {
        let CampaignTokenPage { tokens, end_cursor, has_next_page, has_previous_page } = page;
        let node = |token: CampaignToken| {
            let CampaignToken { token_id, view, state, old_generation, refusal } = token;
            RotationCampaignToken {
                token_id: ID(token_id.to_string()),
                token: view.map(|view| ApiToken::from(view).into()),
                state: state.into(),
                old_generation: int(old_generation),
                refusal: refusal.map(Into::into),
            }
            .into()
        };
        let page_info = PageInfo { has_next_page, has_previous_page, start_cursor: None, end_cursor };
        Self { nodes: tokens.into_iter().map(node).collect(), page_info: page_info.into() }
    }
}
