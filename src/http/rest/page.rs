//! A page of API tokens.

use serde::Serialize;
use utoipa::ToSchema;

use crate::service::Connection;

use super::token::ApiToken;
use super::token_value::ValueUses;

/// A page of API tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APITokenPage)]
pub(super) struct ApiTokenPage {
    /// The API tokens of the page.
    data: Vec<ApiToken>,
    /// Where the page is in the listing.
    page_info: PageInfo,
}

/// Where a page is in its listing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    /// Whether there are more after the last one.
    has_next_page: bool,
    /// Whether there are more before the first one.
    has_previous_page: bool,
    /// The cursor of the first one, for `before`; null on an empty page.
    #[schema(required)]
    start_cursor: Option<String>,
    /// The cursor of the last one, for `after`; null on an empty page.
    #[schema(required)]
    end_cursor: Option<String>,
}

impl ApiTokenPage {
    /// A page, and how the values of its tokens are used if that is to be included.
    pub(super) fn new(connection: Connection, uses: Option<&ValueUses>) -> Self {
        let page_info = PageInfo {
            has_next_page: connection.has_next_page,
            has_previous_page: connection.has_previous_page,
            start_cursor: connection.start_cursor(),
            end_cursor: connection.end_cursor(),
        };
        Self { data: connection.views.into_iter().map(|view| ApiToken::new(view, uses)).collect(), page_info }
    }
}
