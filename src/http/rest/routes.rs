//! The REST routes.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};

use crate::http::caller::{Client, require_schema_access};
use crate::http::rejection::Rejection;
use crate::http::state::AppState;
use crate::service::ErrorCode;

use super::authentication::authenticate;
use super::rejection::RestRejection;
use super::{
    api_tokens, audit, campaign, import, leak, mail, openapi, revocation, rotatetoken, rotation, verification, webhook,
};

/// All REST routes.
pub(in crate::http) fn routes(state: &AppState) -> Router<AppState> {
    let document = openapi::document(state.max_body_bytes);
    let of_callers = Router::new()
        .route("/api-tokens", get(api_tokens::list).post(api_tokens::create).delete(revocation::revoke))
        .route("/api-tokens/rotate", post(rotation::rotate))
        .route("/api-tokens/import", post(import::import))
        .route("/api-tokens/verify", post(verification::verify))
        .route("/api-tokens/{id}", get(api_tokens::read).post(api_tokens::update).delete(api_tokens::revoke))
        .route("/api-tokens/{id}/rotate", post(api_tokens::rotate))
        .route("/api-tokens/{id}/end-overlap", post(api_tokens::end_overlap))
        .route("/api-tokens/{id}/rehearse-retirement", get(api_tokens::rehearse_retirement))
        .route("/api-tokens/{id}/suspend", post(api_tokens::suspend))
        .route("/api-tokens/{id}/resume", post(api_tokens::resume))
        .route("/api-tokens/{id}/revive", post(api_tokens::revive))
        .route("/token-counts", get(api_tokens::count))
        .route("/audit-events", get(audit::list))
        .route("/rotation-campaigns", get(campaign::list).post(campaign::create))
        .route("/rotation-campaigns/{id}", get(campaign::read))
        .route("/rotation-campaigns/{id}/tokens", get(campaign::tokens))
        .route("/rotation-campaigns/{id}/cancel", post(campaign::cancel))
        .route("/webhooks", get(webhook::list).post(webhook::create))
        .route("/webhooks/{id}", get(webhook::read).post(webhook::update).delete(webhook::delete))
        .route("/webhooks/{id}/enable", post(webhook::enable))
        .route("/webhooks/{id}/rotate-secret", post(webhook::rotate_secret))
        .route("/webhooks/{id}/test", post(webhook::deliveries::test))
        .route("/webhooks/{id}/deliveries", get(webhook::deliveries::list))
        .route("/webhook-deliveries/{id}/resend", post(webhook::deliveries::resend))
        .route("/mail-digests", get(mail::list).post(mail::create))
        .route("/mail-digests/{id}", get(mail::read).post(mail::update).delete(mail::delete))
        .route("/mail-digests/{id}/test", post(mail::test))
        .route("/rotatetoken", post(rotatetoken::rotate))
        .route("/api/index/v1/rotatetoken", post(rotatetoken::rotate_in_index))
        .method_not_allowed_fallback(method_not_allowed)
        .route_layer(from_fn_with_state(state.clone(), authenticate));
    Router::new()
        .route("/leaks/report", post(leak::report))
        .route("/openapi.json", get(|state, reader| describe(state, reader, document)))
        .method_not_allowed_fallback(method_not_allowed)
        .merge(of_callers)
}

/// `GET /openapi.json`: the OpenAPI document, for those who may read the schema.
async fn describe(
    State(state): State<AppState>,
    reader: Result<Client, Rejection>,
    document: String,
) -> Result<impl IntoResponse, RestRejection> {
    let Client(caller) = reader?;
    let headers = require_schema_access(&state, caller.as_ref())?;
    Ok((headers, [("content-type", "application/json")], document))
}

/// Whether errors at this path must have the format of the REST endpoints.
pub(in crate::http) fn is_rest_path(path: &str) -> bool {
    [
        "/api-tokens/",
        "/audit-events/",
        "/leaks/",
        "/rotation-campaigns/",
        "/rotatetoken/",
        "/api/",
        "/webhooks/",
        "/webhook-deliveries/",
        "/mail-digests/",
    ]
    .iter()
    .any(|prefix| path.starts_with(prefix))
}

async fn method_not_allowed() -> RestRejection {
    let message = "This endpoint does not support this method; see the Allow header.";
    Rejection::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message).into()
}
