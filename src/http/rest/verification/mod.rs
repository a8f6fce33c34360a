//! `POST /api-tokens/verify`: verifying many values at once over REST.

mod input;
mod output;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};

use crate::http::body::json::{self, Body};
use crate::http::state::AppState;

use super::authentication::Authenticated;
use super::input::Fields;
use super::rejection::{BodyErrors, CommonErrors, RestRejection};

use input::{INPUTS, VerifyManyInput};
use output::Verifications;

/// Verifies values that clients sent you
///
/// 1 to 100 values, with one result for each, in the same order. If one of the inputs is invalid, no value is verified. A valid value
/// then counts as used. Needs `API_TOKEN_VERIFY`.
#[utoipa::path(
    post, path = "/api-tokens/verify", operation_id = "verifyAPITokens", tag = "API tokens", request_body = VerifyManyInput,
    responses((status = 200, description = "The results.", body = Verifications), CommonErrors, BodyErrors)
)]
pub(super) async fn verify(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Verifications>, RestRejection> {
    let hides_names = state.hides_names();
    let input: VerifyManyInput = Fields::read(json::object(&headers, body)?, hides_names)?;
    let requests = input.read(hides_names)?;
    Ok(Json(state.service.verify_many_for(&caller, INPUTS, requests).await?.into()))
}
