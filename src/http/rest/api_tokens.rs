//! `/api-tokens`: listing, counting, creating, reading, updating, rotating, suspending and revoking API tokens over REST.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};

use crate::domain::reason::ReasonDraft;
use crate::domain::value_use::Asked;
use crate::http::body::json::{self, Body};
use crate::http::caller::idempotency_key;
use crate::http::state::AppState;
use crate::service::{Caller, ReviveRequest, RotateRequest, View};

use super::authentication::{Authenticated, TargetId};
use super::input::{
    EndOverlapInput, Fields, FilterInput, Include, ListInput, NoInput, ReadInput, RehearsalInput, ReviveInput,
    RevokeInput, RotateInput, SuspendInput, query_fields,
};
use super::page::{ApiTokenPage, CountInput, TokenCounts};
use super::rejection::{
    BodyErrors, CommonErrors, IdErrors, OverlapErrors, RestRejection, RevocationErrors, RotationErrors,
};
use super::token::{ApiToken, CreateInput, RotatedApiToken, UpdateInput};
use super::token_value::{RetirementRehearsal, ValueUses};

type Answer<T> = Result<Json<T>, RestRejection>;

/// Lists API tokens
///
/// 25 per page by default, 200 at most. Needs `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/api-tokens", operation_id = "listAPITokens", tag = "API tokens", params(ListInput, FilterInput),
    responses((status = 200, description = "The page.", body = ApiTokenPage), CommonErrors)
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    RawQuery(query): RawQuery,
) -> Answer<ApiTokenPage> {
    let input: ListInput = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    let include = input.include;
    let page = state.service.list(&caller, input.read()?).await?;
    let uses = uses(&state, &caller, include, &page.views).await?;
    Ok(Json(ApiTokenPage::new(page, uses.as_ref())))
}

/// Counts API tokens
///
/// By status, kind and owner. The server counts them in the background, at most once a minute and for at most a hundredth of the time.
/// Needs `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/token-counts", operation_id = "countAPITokens", tag = "API tokens", params(CountInput),
    responses((status = 200, description = "The counts.", body = TokenCounts), CommonErrors)
)]
pub(super) async fn count(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    RawQuery(query): RawQuery,
) -> Answer<TokenCounts> {
    let CountInput { owners } = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    Ok(Json(state.service.token_counts(&caller, owners).await?.into()))
}

/// How the values of these tokens are used, if that is to be included.
async fn uses(
    state: &AppState,
    caller: &Caller,
    include: Option<Include>,
    views: &[View],
) -> Result<Option<ValueUses>, RestRejection> {
    let Some(Include::Use) = include else { return Ok(None) };
    let values: Vec<_> = views.iter().flat_map(View::values).collect();
    Ok(Some(state.service.value_uses(caller, &values, Asked::Users).await?))
}

/// Creates an API token
///
/// Its value is only shown in this response. Needs `API_TOKEN_MODIFY` and every permission and scope of the new token. A token with
/// permissions must not expire later than the caller's token, and its CIDR blocks and origins must lie within those of the caller.
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
/// Reading your own token needs no permission, reading another `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/api-tokens/{id}", operation_id = "getAPIToken", tag = "API tokens",
    params(("id" = String, Path, description = "The id of the API token, or `self` for the caller's own."), ReadInput),
    responses((status = 200, description = "The API token.", body = ApiToken), CommonErrors, IdErrors)
)]
pub(super) async fn read(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
    RawQuery(query): RawQuery,
) -> Answer<ApiToken> {
    let ReadInput { include } = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    let view = state.service.get(&caller, &id).await?;
    let uses = uses(&state, &caller, include, std::slice::from_ref(&view)).await?;
    Ok(Json(ApiToken::new(view, uses.as_ref())))
}

/// Updates the settings of an API token
///
/// Kind, expiry, rotation period and overlap are fixed at creation. Needs `API_TOKEN_MODIFY` and every permission and scope that the
/// token has before and after. A token with permissions must not expire later than the caller's token, and its CIDR blocks and origins
/// must lie within those of the caller. You cannot widen the restrictions of your own token.
#[utoipa::path(
    post, path = "/api-tokens/{id}", operation_id = "updateAPIToken", tag = "API tokens", request_body = UpdateInput,
    params(("id" = String, Path, description = "The id of the API token, or `self` for the caller's own.")),
    responses((status = 200, description = "The updated API token.", body = ApiToken), CommonErrors, BodyErrors, IdErrors)
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

/// Revokes an API token permanently
///
/// When you get this response, none of its values works any more. Revoking your own token needs no permission, revoking another
/// `API_TOKEN_MODIFY` and every permission of that token. Revoking a token twice has no further effect.
#[utoipa::path(
    delete, path = "/api-tokens/{id}", operation_id = "revokeAPIToken", tag = "API tokens",
    params(("id" = String, Path, description = "The id of the API token, or `self` for the caller's own."), RevokeInput),
    responses((status = 204, description = "The API token is revoked."), CommonErrors, IdErrors, RevocationErrors)
)]
pub(super) async fn revoke(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, RestRejection> {
    let RevokeInput { reason, evidence_url } =
        Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    state.service.revoke(&caller, &id, ReasonDraft { text: reason, evidence_url }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Rotates an API token
///
/// The new value is only shown in this response. The old value works until the overlap ends. Rotating your own token needs no
/// permission if it is private. Rotating another needs `API_TOKEN_MODIFY` and every permission and scope of that token; if it has
/// permissions, it must not expire later than the caller's token, and its CIDR blocks and origins must lie within those of the caller.
#[utoipa::path(
    post, path = "/api-tokens/{id}/rotate", operation_id = "rotateAPIToken", tag = "API tokens",
    request_body = Option<RotateInput>,
    params(
        ("id" = String, Path, description = "The id of the API token, or `self` for the caller's own."),
        ("Idempotency-Key" = Option<String>, Header, description = "See `idempotencyKey`, which takes precedence."),
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
    let RotateInput { overlap_minutes, brown_out, force, idempotency_key, reason, evidence_url } =
        Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    let keyed = idempotency_key.is_some();
    let idempotency_key = idempotency_key.or(idempotency_key::idempotency_key(&headers)?);
    let reason = ReasonDraft { text: reason, evidence_url };
    let (brown_out, force) = (brown_out.unwrap_or_default(), force.unwrap_or_default());
    let id = Some(id);
    let request =
        RotateRequest { id, overlap_minutes, brown_out, force, idempotency_key, reason, require_period: false };
    let issued = state.service.rotate(&caller, &request).await;
    Ok(Json(issued.map_err(|err| if keyed { err } else { err.of_header_key() })?.into()))
}

/// Ends the overlap of an API token
///
/// Its previous value is retired at once. If that was used within the `silentMinutes` of the token, this is refused with `STILL_IN_USE`,
/// unless it is forced. Without an overlap, nothing changes. For your own token, you need no permission if it is private; for another,
/// `API_TOKEN_MODIFY`.
#[utoipa::path(
    post, path = "/api-tokens/{id}/end-overlap", operation_id = "endAPITokenOverlap", tag = "API tokens",
    request_body = Option<EndOverlapInput>,
    params(("id" = String, Path, description = "The id of the API token, or `self` for the caller's own.")),
    responses(
        (status = 200, description = "The API token, whose current value is now the only one that works.", body = ApiToken),
        CommonErrors, BodyErrors, IdErrors, OverlapErrors,
    )
)]
pub(super) async fn end_overlap(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
    headers: HeaderMap,
    body: Body,
) -> Answer<ApiToken> {
    let EndOverlapInput { force } = Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.end_overlap(&caller, &id, force.unwrap_or_default()).await?.into()))
}

/// Says what would happen if a value of an API token were retired now
///
/// Nothing changes, and the request does not count as a use of a value that it asks about. For your own token, you need no permission;
/// for another, `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/api-tokens/{id}/rehearse-retirement", operation_id = "rehearseAPITokenRetirement", tag = "API tokens",
    params(("id" = String, Path, description = "The id of the API token, or `self` for the caller's own."), RehearsalInput),
    responses((status = 200, description = "What would happen.", body = RetirementRehearsal), CommonErrors, IdErrors)
)]
pub(super) async fn rehearse_retirement(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
    RawQuery(query): RawQuery,
) -> Answer<RetirementRehearsal> {
    let RehearsalInput { generation } = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    Ok(Json(state.service.rehearse(&caller, &id, generation).await?.into()))
}

/// Suspends an API token
///
/// When you get this response, none of its values works any more, until it is resumed. Its expiry and its rotation period go on.
/// Suspending your own token needs no permission, suspending another `API_TOKEN_MODIFY` and every permission of that token. Suspending a
/// token twice has no further effect.
#[utoipa::path(
    post, path = "/api-tokens/{id}/suspend", operation_id = "suspendAPIToken", tag = "API tokens",
    request_body = Option<SuspendInput>,
    params(("id" = String, Path, description = "The id of the API token, or `self` for the caller's own.")),
    responses(
        (status = 200, description = "The suspended API token.", body = ApiToken),
        CommonErrors, BodyErrors, IdErrors, RevocationErrors,
    )
)]
pub(super) async fn suspend(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
    headers: HeaderMap,
    body: Body,
) -> Answer<ApiToken> {
    let SuspendInput { reason, evidence_url } =
        Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.suspend(&caller, &id, ReasonDraft { text: reason, evidence_url }).await?.into()))
}

/// Resumes a suspended API token
///
/// Its values work as before. If it is not suspended, nothing changes. Needs `API_TOKEN_MODIFY` and every permission and scope of that
/// token. If it has permissions, it must also be within your own expiry, CIDR blocks and origins.
#[utoipa::path(
    post, path = "/api-tokens/{id}/resume", operation_id = "resumeAPIToken", tag = "API tokens",
    request_body = Option<NoInput>,
    params(("id" = String, Path, description = "The id of the API token, or `self` for the caller's own.")),
    responses(
        (status = 200, description = "The resumed API token.", body = ApiToken),
        CommonErrors, BodyErrors, IdErrors,
    )
)]
pub(super) async fn resume(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
    headers: HeaderMap,
    body: Body,
) -> Answer<ApiToken> {
    let NoInput {} = Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.resume(&caller, &id).await?.into()))
}

/// Revives an API token
///
/// For an API token that was not rotated within its rotation period, within the `--revival-window` of the server. The new value is only
/// shown in this response. All older values stay retired, a new rotation period begins, and the expiry does not move. Needs
/// `API_TOKEN_MODIFY` and every permission and scope of that token; if it has permissions, it must not expire later than the caller's
/// token, and its CIDR blocks and origins must lie within those of the caller.
#[utoipa::path(
    post, path = "/api-tokens/{id}/revive", operation_id = "reviveAPIToken", tag = "API tokens",
    request_body = ReviveInput,
    params(
        ("id" = String, Path, description = "The id of the API token, or `self` for the caller's own."),
        ("Idempotency-Key" = Option<String>, Header, description = "See `idempotencyKey`, which takes precedence."),
    ),
    responses(
        (status = 200, description = "The revived API token with its new value.", body = ApiToken),
        CommonErrors, BodyErrors, IdErrors, RotationErrors,
    )
)]
pub(super) async fn revive(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    TargetId(id): TargetId,
    headers: HeaderMap,
    body: Body,
) -> Answer<ApiToken> {
    let ReviveInput { reason, evidence_url, idempotency_key } =
        Fields::read(json::object(&headers, body)?, state.hides_names())?;
    let keyed = idempotency_key.is_some();
    let idempotency_key = idempotency_key.or(idempotency_key::idempotency_key(&headers)?);
    let reason = ReasonDraft { text: Some(reason), evidence_url };
    let issued = state.service.revive(&caller, &ReviveRequest { id, reason, idempotency_key }).await;
    Ok(Json(issued.map_err(|err| if keyed { err } else { err.of_header_key() })?.into()))
}
