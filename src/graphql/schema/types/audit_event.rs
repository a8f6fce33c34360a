//! `AuditEvent`, its filter and its pages.

use async_graphql::{ID, InputObject, Object, SimpleObject};

use crate::domain::audit::{self, AuditFilter, RefusedAs};
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::service::{AuditConditions, AuditPage, Error};

use super::actor::Actor;
use super::leaf::date_time::DateTime;
use super::leaf::enums::AuditAction;
use super::leaf::error_code::ErrorCode;
use super::leaf::int::int;
use super::page_info::PageInfo;

/// One event of the audit log: who did what to which API token, when, from where, and with which result.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct AuditEvent {
    /// Its id. Ids sort by time.
    #[graphql(owned)]
    pub(crate) id: ID,
    /// When it happened.
    occurred_at: DateTime,
    /// What happened.
    action: AuditAction,
    /// The result: `OK`, or the code of the refusal.
    #[graphql(deprecation = "Ask for `refusal`, whose values are an enum.")]
    result: String,
    /// Why it was refused; null if it was carried out, and for `API_TOKEN_VALUE_REUSED`.
    refusal: Option<ErrorCode>,
    /// Who did it; null if unknown.
    actor: Option<Ready<Actor>>,
    /// The API token concerned; null if unknown.
    token_id: Option<ID>,
    /// The webhook concerned; null if none is.
    webhook_id: Option<ID>,
    /// The mail digest concerned; null if none is.
    mail_digest_id: Option<ID>,
    /// The generation of the value concerned: after a change the newest, in a refusal the one that was sent. Null if
    /// none is concerned.
    generation: Option<i32>,
    /// The client's address; null if unknown.
    address: Option<String>,
    /// The client's user agent, as it sent it; null if it sent none.
    user_agent: Option<String>,
    /// The id of the request, as in the log and in the `X-Request-Id` of the answer; null if there was no request.
    request_id: Option<ID>,
    /// Why it was done, as the caller said; null if it did not say.
    reason: Option<String>,
    /// Where the evidence is, as the caller said; null if it did not say. Rotakey does not look at it.
    #[graphql(name = "evidenceURL")]
    evidence_url: Option<String>,
}

/// A page of the audit log.
pub(crate) struct AuditEventConnection {
    edges: ReadyList<Ready<AuditEventEdge>>,
    page_info: Ready<PageInfo>,
}

/// A page of the audit log.
#[Object(serial)]
impl AuditEventConnection {
    /// The events of the page with their cursors, newest first.
    async fn edges(&self) -> &ReadyList<Ready<AuditEventEdge>> {
        &self.edges
    }

    /// The events of the page without their cursors, in the same order. `pageInfo` has the cursors of its ends.
    async fn nodes(&self) -> ReadyList<&Ready<AuditEvent>> {
        self.edges.iter().map(|edge| &edge.object().node).collect()
    }

    /// Where the page is in the listing.
    async fn page_info(&self) -> &Ready<PageInfo> {
        &self.page_info
    }
}

/// One event of a page.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct AuditEventEdge {
    /// Its position in the log, for `after` and `before`. Opaque.
    cursor: String,
    /// The event.
    node: Ready<AuditEvent>,
}

/// Which audit events to list. An event must meet every condition that you give. An empty list restricts nothing.
#[derive(InputObject)]
pub(crate) struct AuditEventFilter {
    /// Those with one of these actions.
    actions: Option<Vec<AuditAction>>,
    /// Those about this API token.
    token_id: Option<ID>,
    /// Those caused by the holder of this API token.
    actor_id: Option<ID>,
    /// Those at or after this time.
    since: Option<DateTime>,
    /// Those before this time.
    until: Option<DateTime>,
}

impl AuditEventFilter {
    /// The filter for the use case.
    ///
    /// # Errors
    /// `NotFound` for a malformed id.
    pub(crate) fn read(self) -> Result<AuditFilter, Error> {
        let Self { actions, token_id, actor_id, since, until } = self;
        let conditions = AuditConditions {
            actions: actions.map(|actions| actions.into_iter().map(Into::into).collect()),
            token_id: token_id.map(|ID(id)| id),
            actor_id: actor_id.map(|ID(id)| id),
            since: since.map(|DateTime(at)| at),
            until: until.map(|DateTime(at)| at),
        };
        conditions.read()
    }
}

impl From<audit::AuditEvent> for AuditEvent {
    fn from(event: audit::AuditEvent) -> Self {
        let provenance = event.provenance;
        Self {
            id: ID(event.id.to_string()),
            occurred_at: event.at.into(),
            action: event.action.into(),
            result: event.refusal.as_ref().map_or("OK", RefusedAs::as_str).to_owned(),
            refusal: event.refusal.and_then(|refused| refused.code()).map(Into::into),
            actor: event.actor.map(|actor| Actor::from(actor).into()),
            token_id: event.token_id.map(|id| ID(id.to_string())),
            webhook_id: event.webhook_id.map(|id| ID(id.to_string())),
            mail_digest_id: event.mail_digest_id.map(|id| ID(id.to_string())),
            generation: event.generation.map(int),
            address: provenance.address.map(|address| address.to_string()),
            user_agent: provenance.user_agent,
            request_id: provenance.request_id.map(|id| ID(id.to_string())),
            reason: event.reason.text,
            evidence_url: event.reason.evidence_url,
        }
    }
}

impl From<AuditPage> for AuditEventConnection {
    fn from(page: AuditPage) -> Self {
        let cursor = |edge: Option<&(String, _)>| edge.map(|(cursor, _)| cursor.clone());
        let page_info = PageInfo {
            has_next_page: page.has_next_page,
            has_previous_page: page.has_previous_page,
            start_cursor: cursor(page.edges.first()),
            end_cursor: cursor(page.edges.last()),
        };
        let edges = page.edges.into_iter();
        Self {
            edges: edges
                .map(|(cursor, event)| AuditEventEdge { cursor, node: AuditEvent::from(event).into() }.into())
                .collect(),
            page_info: page_info.into(),
        }
    }
}
