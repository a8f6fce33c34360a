//! `POST /api-tokens/import`: importing API tokens whose values were issued elsewhere.

mod input;
mod lines;
mod output;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};

use crate::http::body::json::{self, Body};
use crate::http::state::AppState;
use crate::service::ImportRequest;

use super::authentication::Authenticated;
use super::input::Fields;
use super::rejection::{BodyErrors, CommonErrors, RestRejection};

use input::{ImportManyInput, TOKENS};
use output::Imports;

pub use lines::{ImportLines, LineProblem};

/// Imports API tokens
///
/// Their values were issued elsewhere, and are found by their hashes. Before you can import them, the operator must configure the format of
/// the values. All of them are imported, or none. Those that were imported before with the same settings are skipped, so you can repeat a
/// request. Needs `API_TOKEN_MODIFY` and every permission and scope of each.
#[utoipa::path(
    post, path = "/api-tokens/import", operation_id = "importAPITokens", tag = "API tokens", request_body = ImportManyInput,
    responses((status = 200, description = "What was done with each.", body = Imports), CommonErrors, BodyErrors)
)]
pub(super) async fn import(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Imports>, RestRejection> {
    let hides_names = state.hides_names();
    let input: ImportManyInput = Fields::read(json::object(&headers, body)?, hides_names)?;
    let request = ImportRequest { field: TOKENS, drafts: input.read(hides_names)? };
    Ok(Json(state.service.import(&caller, request).await?.into()))
}
