//! Deliveries over REST: listing them, sending one again, and sending a test.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};

use crate::http::body::json::{self, Body};
use crate::http::rest::authentication::Authenticated;
use crate::http::rest::input::{Fields, NoInput, query_fields};
use crate::http::rest::rejection::{BodyErrors, CommonErrors, WebhookErrors};
use crate::http::state::AppState;
use crate::service::DeliveryPageRequest;

use super::input::PageInput;
use super::output::{WebhookDelivery, WebhookDeliveryPage};
use super::{Answer, WebhookId};

/// Lists the deliveries to a webhook
///
/// What was sent to it in the last days, or is to be sent, newest first: 25 per page by default, 200 at most. Needs `WEBHOOK_MODIFY` and
/// `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/webhooks/{id}/deliveries", operation_id = "listWebhookDeliveries", tag = "Webhooks",
    params(("id" = String, Path, description = "The id of the webhook."), PageInput),
    responses((status = 200, description = "The page.", body = WebhookDeliveryPage), CommonErrors, WebhookErrors)
)]
pub(in crate::http::rest) async fn list(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    WebhookId(id): WebhookId,
    RawQuery(query): RawQuery,
) -> Answer<WebhookDeliveryPage> {
    let PageInput { first, after } = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    let request = DeliveryPageRequest { first, after };
    Ok(Json(state.service.deliveries(&caller, ("id", &id), request).await?.into()))
}

/// Tests a webhook
///
/// Sends a notice of the kind `TEST` to it. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    post, path = "/webhooks/{id}/test", operation_id = "testWebhook", tag = "Webhooks", request_body = Option<NoInput>,
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses(
        (status = 200, description = "The test on its way. The list of deliveries says what became of it.", body = WebhookDelivery),
        CommonErrors, BodyErrors, WebhookErrors,
    )
)]
pub(in crate::http::rest) async fn test(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    WebhookId(id): WebhookId,
    headers: HeaderMap,
    body: Body,
) -> Answer<WebhookDelivery> {
    let NoInput {} = Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.test_webhook(&caller, &id).await?.into()))
}

/// Sends a notice to a webhook again
///
/// With the same message and the same id, whether or not it was delivered. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    post, path = "/webhook-deliveries/{id}/resend", operation_id = "resendWebhookDelivery", tag = "Webhooks",
    request_body = Option<NoInput>,
    params(("id" = String, Path, description = "The id of the delivery.")),
    responses(
        (status = 200, description = "The delivery, which is pending again.", body = WebhookDelivery),
        CommonErrors, BodyErrors, WebhookErrors,
    )
)]
pub(in crate::http::rest) async fn resend(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    WebhookId(id): WebhookId,
    headers: HeaderMap,
    body: Body,
) -> Answer<WebhookDelivery> {
    let NoInput {} = Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.resend_delivery(&caller, &id).await?.into()))
}
