//! `GET /readyz`: whether a load balancer should send requests here. `/healthz` only says that the process is alive.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::json;

use crate::http::state::AppState;
use crate::service::Readiness;

/// All checks by name, with 503 if one of them fails.
pub(crate) async fn answer(State(state): State<AppState>) -> Response<Body> {
    let readiness = state.service.readiness();
    let Readiness { database, contact, schema } = readiness;
    let serving = !state.shutdown.is_draining();
    let ready = readiness.is_ready() && serving;
    let body = json!({
        "ready": ready,
        "checks": { "database": database, "contact": contact, "schema": schema, "serving": serving },
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}
