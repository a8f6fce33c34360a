//! `DELETE /api-tokens`: revoking all tokens that match a filter over REST.

mod output;

use axum::extract::{RawQuery, State};
use axum::{Extension, Json};

use crate::http::state::AppState;

use super::authentication::Authenticated;
use super::input::{Fields, FilterInput, RevokeManyInput, query_fields};
use super::rejection::{CommonErrors, IdErrors, RestRejection};

use output::RevocationPage;

/// Revokes the API tokens that match
///
/// At least one condition must be given, and no empty `name` or `text`. Each API token is revoked with an event of its own in the audit
/// log; one that may not be revoked is named with the reason. Those that are revoked already are left out, and your own is not revoked.
/// As long as `hasNextPage` is true, repeat the request with `endCursor` as `after`. Needs `API_TOKEN_READ` and `API_TOKEN_MODIFY`.
#[utoipa::path(
    delete, path = "/api-tokens", operation_id = "revokeAPITokens", tag = "API tokens", params(RevokeManyInput, FilterInput),
    responses((status = 200, description = "What was done with each.", body = RevocationPage), CommonErrors, IdErrors)
)]
pub(super) async fn revoke(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Json<RevocationPage>, RestRejection> {
    let input: RevokeManyInput = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    Ok(Json(state.service.revoke_many(&caller, input.read()?).await?.into()))
}
