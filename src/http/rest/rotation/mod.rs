//! `POST /api-tokens/rotate`: rotating all tokens that match a filter over REST.

mod input;
mod output;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};

use crate::http::body::json::{self, Body};
use crate::http::caller::idempotency_key;
use crate::http::state::AppState;

use super::authentication::Authenticated;
use super::input::Fields;
use super::rejection::{BodyErrors, CommonErrors, IdErrors, RestRejection};

use input::RotateManyInput;
use output::RotationPage;

/// Rotates the API tokens that match
///
/// The new values are only shown in this response. At least one condition must be given, and no empty `name` or `text`. Each API token is
/// rotated with an event of its own in the audit log; one that may not be rotated is named with the reason. Those that are revoked,
/// expired or overdue are left out, and your own is not rotated. As long as `hasNextPage` is true, repeat the request with `endCursor` as
/// `after`. Needs `API_TOKEN_READ`, `API_TOKEN_MODIFY` and, for each API token, every permission and scope that it has.
#[utoipa::path(
    post, path = "/api-tokens/rotate", operation_id = "rotateAPITokens", tag = "API tokens", request_body = RotateManyInput,
    params(("Idempotency-Key" = Option<String>, Header, description = "See `idempotencyKey`, which takes precedence.")),
    responses((status = 200, description = "What was done with each.", body = RotationPage), CommonErrors, BodyErrors, IdErrors)
)]
pub(super) async fn rotate(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<RotationPage>, RestRejection> {
    let hides_names = state.hides_names();
    let input: RotateManyInput = Fields::read(json::object(&headers, body)?, hides_names)?;
    let mut request = input.read(hides_names)?;
    let keyed = request.idempotency_key.is_some();
    request.idempotency_key = request.idempotency_key.or(idempotency_key::idempotency_key(&headers)?);
    let rotations = state.service.rotate_many(&caller, request).await;
    Ok(Json(rotations.map_err(|err| if keyed { err } else { err.of_header_key() })?.into()))
}
