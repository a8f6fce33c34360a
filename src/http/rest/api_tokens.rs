//! `/api-tokens`: API tokens as a REST client reads, makes, changes, rotates and ends them.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};

use crate::http::body::json::{self, Body};
use crate::http::caller::authentication;
use crate::http::state::AppState;
use crate::service::RotateRequest;

use super::authentication::{Authenticated, TargetId};
use super::input::{Fields, ListInput, NoInput, RotateInput, query_fields};
use super::page::ApiTokenPage;
use super::rejection::{BodyErrors, CommonErrors, IdErrors, RestRejection, RevocationErrors, RotationErrors};
use super::token::{ApiToken, CreateInput, RotatedApiToken, UpdateInput};

type Answer<T> = Result<Json<T>, RestRejection>;

/// Lists API tokens
///
/// 25 a page unless asked otherwise, 200 at most. Needs `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/api-tokens", operation_id = "listAPITokens", tag = "API tokens", params(ListInput),
    responses((status = 200, description = "The page.", body = ApiTokenPage), CommonErrors)
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    RawQuery(query): RawQuery,
) -> Answer<ApiTokenPage> {
    let input: ListInput = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    Ok(Json(state.service.list(&caller, input.into()).await?.into()))
}

/// Creates an API token
///
/// Its value is told in this answer and never again. Needs `API_TOKEN_MODIFY` and every permission and scope
/// of the new token. A token with permissions expires no later than the caller's, and lies within its CIDR blocks and origins.
#[utoipa::path(
    post, path = "/api-tokens", operation_id = "createAPIToken", tag = "API tokens", request_body = CreateInput,
    responses((status = 200, description = "The new API token with its value.", body = ApiToken), CommonErrors, BodyErrors, IdErrors)
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Answer<ApiToken> {
    let input: CreateInput = Fields::read(json::object(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.create(&caller, input.into()).await?.into()))
}

/// Reads an API token
///
/// One's own needs no permission, another's `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/api-tokens/{id}", operation_id = "getAPIToken", tag = "API tokens",
    params(("id" = String, Path, description = "The id of the API token, or `self` for the caller's own.")),
    responses((status = 200, description = "The API token.", body = ApiToken), CommonErrors, IdErrors)
)]
pub(super) async fn read(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
) -> Answer<ApiToken> {
    Ok(Json(state.service.get(&caller, &id).await?.into()))
}

/// Changes the settings of an API token
///
/// Never kind, expiry, rotation period or overlap. Needs `API_TOKEN_MODIFY` and every permission and scope that the token holds
/// before and after. Permissions are handed on within the caller's own expiry, CIDR blocks and origins; nobody widens their own
/// restrictions.
#[utoipa::path(
    post, path = "/api-tokens/{id}", operation_id = "updateAPIToken", tag = "API tokens", request_body = UpdateInput,
    params(("id" = String, Path, description = "The id of the API token, or `self` for the caller's own.")),
    responses((status = 200, description = "The changed API token.", body = ApiToken), CommonErrors, BodyErrors, IdErrors)
)]
pub(super) async fn update(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
    headers: HeaderMap,
    body: Body,
) -> Answer<ApiToken> {
    let input: UpdateInput = Fields::read(json::object(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.update(&caller, &id, input.into()).await?.into()))
}

/// Revokes an API token, for ever
///
/// From this answer on none of its values works. One's own needs no permission, another's `API_TOKEN_MODIFY` and
/// every permission that it holds. Revoking twice changes nothing.
#[utoipa::path(
    delete, path = "/api-tokens/{id}", operation_id = "revokeAPIToken", tag = "API tokens",
    params(("id" = String, Path, description = "The id of the API token, or `self` for the caller's own.")),
    responses((status = 204, description = "It is revoked."), CommonErrors, IdErrors, RevocationErrors)
)]
pub(super) async fn revoke(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
) -> Result<StatusCode, RestRejection> {
    state.service.revoke(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Rotates an API token
///
/// Its new value is told in this answer and never again; the old one works on until the overlap ends. One's own needs no
/// permission if it is private; another's needs `API_TOKEN_MODIFY` and every permission and scope that it holds, and with
/// permissions it must lie within the caller's own expiry, CIDR blocks and origins.
#[utoipa::path(
    post, path = "/api-tokens/{id}/rotate", operation_id = "rotateAPIToken", tag = "API tokens",
    request_body = Option<RotateInput>,
    params(
        ("id" = String, Path, description = "The id of the API token, or `self` for the caller's own."),
        ("Idempotency-Key" = Option<String>, Header, description = "See `idempotencyKey`, which goes before this."),
    ),
    responses(
        (status = 200, description = "The rotated API token with its new value.", body = RotatedApiToken),
        CommonErrors, BodyErrors, IdErrors, RotationErrors,
    )
)]
pub(super) async fn rotate(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
    headers: HeaderMap,
    body: Body,
) -> Answer<RotatedApiToken> {
    let RotateInput { overlap_minutes, idempotency_key } =
        Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    let keyed = idempotency_key.is_some();
    let idempotency_key = idempotency_key.or(authentication::idempotency_key(&headers)?);
    let request = RotateRequest { id: Some(id), overlap_minutes, idempotency_key, require_period: false };
    let issued = state.service.rotate(&caller, &request).await;
    Ok(Json(issued.map_err(|err| if keyed { err } else { err.of_header_key() })?.into()))
}

/// Ends the running overlap of an API token
///
/// Its previous value stops working now; where none works, nothing changes. One's own needs no permission if it is private,
/// another's `API_TOKEN_MODIFY`.
#[utoipa::path(
    post, path = "/api-tokens/{id}/end-overlap", operation_id = "endAPITokenOverlap", tag = "API tokens",
    request_body = Option<NoInput>,
    params(("id" = String, Path, description = "The id of the API token, or `self` for the caller's own.")),
    responses(
        (status = 200, description = "The API token, whose current value is now the only one that works.", body = ApiToken),
        CommonErrors, BodyErrors, IdErrors,
    )
)]
pub(super) async fn end_overlap(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
    headers: HeaderMap,
    body: Body,
) -> Answer<ApiToken> {
    let NoInput {} = Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.end_overlap(&caller, &id).await?.into()))
}
