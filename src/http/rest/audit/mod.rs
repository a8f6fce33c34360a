//! `/audit-events`: the audit log over REST.

mod input;
mod output;

use axum::extract::{RawQuery, State};
use axum::{Extension, Json};

use crate::http::state::AppState;

use super::authentication::Authenticated;
use super::input::{Fields, query_fields};
use super::rejection::{CommonErrors, IdErrors, RestRejection};

use input::AuditInput;
use output::AuditEventPage;

/// Lists audit events
///
/// Who did what, when, from where, and with which result: newest first, 25 per page by default, 200 at most. With `first` and `after` you
/// page to older events, with `last` and `before` to newer ones. Needs `AUDIT_LOG_READ`.
#[utoipa::path(
    get, path = "/audit-events", operation_id = "auditEvents", tag = "Audit log", params(AuditInput),
    responses((status = 200, description = "The page.", body = AuditEventPage), CommonErrors, IdErrors)
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Json<AuditEventPage>, RestRejection> {
    let input: AuditInput = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    Ok(Json(state.service.events(&caller, input.read()?).await?.into()))
}
