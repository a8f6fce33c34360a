//! `POST /rotatetoken`: rotation in the format of Glean's Indexing API. The caller rotates its own token, which must have a rotation
//! period, because the response contains it.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::value::Value;
use crate::http::body::json::{self, Body};
use crate::http::caller::idempotency_key;
use crate::http::state::AppState;
use crate::service::{Error, Issued, RotateRequest};

use super::authentication::Authenticated;
use super::input::{Fields, NoInput};
use super::rejection::{BodyErrors, CommonErrors, RestRejection, RotationErrors};
use super::token::serialize_value;

/// A new value, and when it must itself be rotated.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RotatedToken {
    /// The new value. Store it now: it is never shown again.
    #[serde(serialize_with = "serialize_value")]
    #[schema(value_type = String)]
    raw_secret: Option<Value>,
    /// When it was issued, in seconds since the Unix epoch.
    created_at: i64,
    /// Within how many minutes after that it must be rotated again.
    #[schema(required, value_type = u32)]
    rotation_period_minutes: Option<u32>,
}

impl From<Issued> for RotatedToken {
    fn from(issued: Issued) -> Self {
        let token = issued.view.token;
        Self {
            raw_secret: Some(issued.value),
            created_at: token.current.created_at.unix_seconds(),
            rotation_period_minutes: token.settings.rotation_period_minutes,
        }
    }
}

/// Rotates the caller's API token
///
/// The API token must have a rotation period. The new value is only shown in this response. The old value works until the overlap
/// ends.
#[utoipa::path(
    post, path = "/rotatetoken", operation_id = "rotateToken", tag = "Glean's rotatetoken",
    request_body = Option<NoInput>,
    params(("Idempotency-Key" = Option<String>, Header, description =
        "A key for this rotation. The same key with the same old value returns the same new value again, until that is \
         first used.")),
    responses((status = 200, description = "The new value.", body = RotatedToken), CommonErrors, BodyErrors, RotationErrors)
)]
pub(super) async fn rotate(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<RotatedToken>, RestRejection> {
    let NoInput {} = Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    let idempotency_key = idempotency_key::idempotency_key(&headers)?;
    let request = RotateRequest { idempotency_key, require_period: true, ..RotateRequest::default() };
    Ok(Json(state.service.rotate(&caller, &request).await.map_err(Error::of_header_key)?.into()))
}

/// Rotates the caller's API token, at the path of Glean's Indexing API
///
/// The same as `/rotatetoken`. Published clients use this path.
#[utoipa::path(
    post, path = "/api/index/v1/rotatetoken", operation_id = "rotateIndexingToken", tag = "Glean's rotatetoken",
    request_body = Option<NoInput>,
    params(("Idempotency-Key" = Option<String>, Header, description = "See `/rotatetoken`.")),
    responses((status = 200, description = "The new value.", body = RotatedToken), CommonErrors, BodyErrors, RotationErrors)
)]
pub(super) async fn rotate_in_index(
    state: State<AppState>,
    caller: Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<RotatedToken>, RestRejection> {
    rotate(state, caller, headers, body).await
}
