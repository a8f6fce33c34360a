//! Audit events in REST responses.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::audit::{self, Action, Provenance, RefusedAs};
use crate::domain::reason::Reason;
use crate::domain::timestamp::Timestamp;
use crate::http::rest::page::PageInfo;
use crate::http::rest::token_value::Actor;
use crate::service::{AuditPage, ErrorCode};

/// One event of the audit log: who did what to which API token, when, from where, and with which result.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::rest) struct AuditEvent {
    /// Its id. Ids sort by time.
    id: String,
    /// When it happened.
    #[schema(value_type = Timestamp)]
    occurred_at: String,
    /// What happened.
    #[schema(value_type = Action)]
    action: &'static str,
    /// Why it was refused; null if it was carried out, and for `API_TOKEN_VALUE_REUSED`.
    #[schema(required, value_type = Option<ErrorCode>)]
    refusal: Option<&'static str>,
    /// Who did it; null if unknown.
    #[schema(required)]
    actor: Option<Actor>,
    /// The API token concerned; null if unknown.
    #[schema(required)]
    token_id: Option<String>,
    /// The webhook concerned; null if none is.
    #[schema(required)]
    webhook_id: Option<String>,
    /// The mail digest concerned; null if none is.
    #[schema(required)]
    mail_digest_id: Option<String>,
    /// The generation of the value concerned: after a change the newest, in a refusal the one that was sent. Null if none is concerned.
    #[schema(required)]
    generation: Option<u32>,
    /// The client's address; null if unknown.
    #[schema(required)]
    address: Option<String>,
    /// The client's user agent, as it sent it; null if it sent none.
    #[schema(required)]
    user_agent: Option<String>,
    /// The id of the request, as in the log and in the `X-Request-Id` of the response; null if there was no request.
    #[schema(required)]
    request_id: Option<String>,
    /// Why it was done, as the caller said; null if it did not say.
    #[schema(required)]
    reason: Option<String>,
    /// Where the evidence is, as the caller said; null if it did not say. Rotakey does not look at it.
    #[serde(rename = "evidenceURL")]
    #[schema(required)]
    evidence_url: Option<String>,
}

/// A page of the audit log, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::rest) struct AuditEventPage {
    /// The events of the page.
    data: Vec<AuditEvent>,
    /// Where the page is in the log.
    page_info: PageInfo,
}

impl From<audit::AuditEvent> for AuditEvent {
    fn from(event: audit::AuditEvent) -> Self {
        let audit::AuditEvent {
            id,
            at,
            action,
            refusal,
            actor,
            token_id,
            webhook_id,
            mail_digest_id,
            generation,
            provenance: Provenance { address, user_agent, request_id },
            reason: Reason { text, evidence_url },
        } = event;
        Self {
            id: id.to_string(),
            occurred_at: at.to_string(),
            action: action.as_str(),
            refusal: refusal.as_ref().and_then(RefusedAs::code).map(ErrorCode::as_str),
            actor: actor.map(Into::into),
            token_id: token_id.map(|id| id.to_string()),
            webhook_id: webhook_id.map(|id| id.to_string()),
            mail_digest_id: mail_digest_id.map(|id| id.to_string()),
            generation,
            address: address.map(|address| address.to_string()),
            user_agent,
            request_id: request_id.map(|id| id.to_string()),
            reason: text,
            evidence_url,
        }
    }
}

impl From<AuditPage> for AuditEventPage {
    fn from(page: AuditPage) -> Self {
        let page_info = PageInfo::of_edges(&page.edges, page.has_next_page, page.has_previous_page);
        Self { data: page.edges.into_iter().map(|(_, event)| event.into()).collect(), page_info }
    }
}
