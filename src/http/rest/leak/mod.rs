//! `POST /leaks/report`: whoever has found a value says so. No credential is needed.

mod input;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, Response, StatusCode};

use crate::http::body::{before_authentication, json};
use crate::http::caller::authentication::{self, RequestInfo};
use crate::http::caller::warning_headers;
use crate::http::state::AppState;
use crate::service::Caller;

use super::input::Fields;
use super::rejection::{BodyErrors, CommonErrors, RestRejection};

use input::ReportInput;

/// Reports that a value has leaked
///
/// What happens then is the `onLeak` of its API token. The response is the same, and takes the same time, whether or not it is a value,
/// and whatever happens. No credential is needed, and a body may have at most 16,384 bytes.
#[utoipa::path(
    post, path = "/leaks/report", operation_id = "reportLeakedValue", tag = "Leaks", request_body = ReportInput,
    security((), ("apiKey" = []), ("bearer" = [])),
    responses((status = 202, description = "The report was read."), CommonErrors, BodyErrors)
)]
pub(super) async fn report(State(state): State<AppState>, request: Request) -> Result<Response<Body>, RestRejection> {
    let (parts, body) = request.into_parts();
    let (headers, info) = (&parts.headers, RequestInfo::of(&parts));
    let caller = authentication::caller(headers, info, &state).await?;
    let body = json::read(Request::new(body), state.max_body_bytes.min(before_authentication::MAX_BYTES)).await;
    let input: ReportInput = Fields::read(json::object(headers, body)?, state.hides_names())?;
    let context = authentication::request_context(headers, info, &state)?;
    state.service.report_leak(caller.as_ref(), &context, input.into()).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    warning_headers::warn(response.headers_mut(), caller.as_ref().map(Caller::warnings));
    Ok(response)
}
