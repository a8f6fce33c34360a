//! `/webhooks`: webhooks and their deliveries over REST.

pub(super) mod deliveries;
mod input;
mod output;

use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};

use crate::http::body::json::{self, Body};
use crate::http::state::AppState;
use crate::service::{Error, WebhookPageRequest};

use super::authentication::Authenticated;
use super::input::{Fields, NoInput, query_fields};
use super::rejection::{BodyErrors, CommonErrors, RestRejection, WebhookErrors};

use input::{CreateInput, PageInput, RotateSecretInput, UpdateInput};
use output::{IssuedWebhook, Webhook, WebhookPage};

type Answer<T> = Result<Json<T>, RestRejection>;

/// The id of a webhook or a delivery in the path.
pub(super) struct WebhookId(String);

impl FromRequestParts<AppState> for WebhookId {
    type Rejection = RestRejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, RestRejection> {
        // A path segment that is not UTF-8 is the id of no webhook.
        let Ok(Path(id)) = Path::<String>::from_request_parts(parts, state).await else {
            return Err(Error::NoWebhook { field: "id" }.into());
        };
        Ok(Self(id))
    }
}

/// Lists webhooks
///
/// Oldest first, 25 per page by default, 200 at most. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/webhooks", operation_id = "listWebhooks", tag = "Webhooks", params(PageInput),
    responses((status = 200, description = "The page.", body = WebhookPage), CommonErrors)
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    RawQuery(query): RawQuery,
) -> Answer<WebhookPage> {
    let PageInput { first, after } = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    Ok(Json(state.service.webhooks(&caller, WebhookPageRequest { first, after }).await?.into()))
}

/// Creates a webhook
///
/// Its secret is only shown in this response. There may be 100 webhooks. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    post, path = "/webhooks", operation_id = "createWebhook", tag = "Webhooks", request_body = CreateInput,
    responses((status = 200, description = "The new webhook with its secret.", body = IssuedWebhook), CommonErrors, BodyErrors)
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Answer<IssuedWebhook> {
    let input: CreateInput = Fields::read(json::object(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.create_webhook(&caller, input.into()).await?.into()))
}

/// Reads a webhook
///
/// Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/webhooks/{id}", operation_id = "getWebhook", tag = "Webhooks",
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses((status = 200, description = "The webhook.", body = Webhook), CommonErrors, WebhookErrors)
)]
pub(super) async fn read(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    WebhookId(id): WebhookId,
    RawQuery(query): RawQuery,
) -> Answer<Webhook> {
    let NoInput {} = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    Ok(Json(state.service.webhook(&caller, &id).await?.into()))
}

/// Updates the settings of a webhook
///
/// What is left out stays as it is. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    post, path = "/webhooks/{id}", operation_id = "updateWebhook", tag = "Webhooks", request_body = UpdateInput,
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses((status = 200, description = "The updated webhook.", body = Webhook), CommonErrors, BodyErrors, WebhookErrors)
)]
pub(super) async fn update(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    WebhookId(id): WebhookId,
    headers: HeaderMap,
    body: Body,
) -> Answer<Webhook> {
    let input: UpdateInput = Fields::read(json::object(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.update_webhook(&caller, &id, input.into()).await?.into()))
}

/// Deletes a webhook
///
/// With all that is yet to be sent to it. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    delete, path = "/webhooks/{id}", operation_id = "deleteWebhook", tag = "Webhooks",
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses((status = 204, description = "The webhook is deleted."), CommonErrors, WebhookErrors)
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    WebhookId(id): WebhookId,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, RestRejection> {
    let NoInput {} = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    state.service.delete_webhook(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Enables a webhook
///
/// For one that the server has disabled. What is pending is sent; what was given up stays so. If it is enabled, nothing changes. Needs
/// `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    post, path = "/webhooks/{id}/enable", operation_id = "enableWebhook", tag = "Webhooks", request_body = Option<NoInput>,
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses((status = 200, description = "The webhook, which is enabled.", body = Webhook), CommonErrors, BodyErrors, WebhookErrors)
)]
pub(super) async fn enable(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    WebhookId(id): WebhookId,
    headers: HeaderMap,
    body: Body,
) -> Answer<Webhook> {
    let NoInput {} = Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.enable_webhook(&caller, &id).await?.into()))
}

/// Gives a webhook a new secret
///
/// It is only shown in this response. Messages are signed with the one before, too, until the overlap ends. Needs `WEBHOOK_MODIFY` and
/// `API_TOKEN_READ`.
#[utoipa::path(
    post, path = "/webhooks/{id}/rotate-secret", operation_id = "rotateWebhookSecret", tag = "Webhooks",
    request_body = Option<RotateSecretInput>,
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses(
        (status = 200, description = "The webhook with its new secret.", body = IssuedWebhook),
        CommonErrors, BodyErrors, WebhookErrors,
    )
)]
pub(super) async fn rotate_secret(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    WebhookId(id): WebhookId,
    headers: HeaderMap,
    body: Body,
) -> Answer<IssuedWebhook> {
    let RotateSecretInput { overlap_minutes } =
        Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.rotate_webhook_secret(&caller, &id, overlap_minutes).await?.into()))
}
