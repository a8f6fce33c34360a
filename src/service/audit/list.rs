//! `auditEvents`: what happened, newest first.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::audit::{AuditEvent, AuditFilter};
use crate::domain::id::EventId;
use crate::domain::listing::DEFAULT_PAGE_SIZE;
use crate::domain::rule::authority::Authority;
use crate::domain::token::Permission;
use crate::service::token::{broken_cursor, page_size};
use crate::service::{Caller, Error, Service};

/// A page of the audit log as a client asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRequest {
    /// How many.
    pub first: Option<i32>,
    /// Only events after this cursor, which are older.
    pub after: Option<String>,
    /// Which events.
    pub filter: AuditFilter,
}

/// A page of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// The events, newest first, each with its cursor.
    pub edges: Vec<(String, AuditEvent)>,
    /// Whether there are older ones.
    pub has_next_page: bool,
    /// Whether there may be newer ones.
    pub has_previous_page: bool,
}

impl Service {
    /// A page of the audit log. Needs `AUDIT_LOG_READ`.
    ///
    /// # Errors
    /// When the caller may not, or the page is invalid.
    pub async fn events(&self, caller: &Caller, request: AuditRequest) -> Result<AuditPage, Error> {
        let now = self.now();
        let own = self.own_token(caller, now).await?;
        Authority::of(&own).require(Permission::AuditLogRead)?;
        let size = request.first.map_or(Ok(DEFAULT_PAGE_SIZE), |first| page_size("first", first))?;
        let after = match &request.after {
            Some(cursor) => Some(read_cursor(cursor).ok_or_else(|| broken_cursor("after"))?),
            None => None,
        };
        let mut events = self.store.events(&request.filter, after, u64::from(size) + 1).await?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let has_next_page = events.len() > size;
        events.truncate(size);
        let edges = events.into_iter().map(|event| (URL_SAFE_NO_PAD.encode(event.id.to_string()), event)).collect();
        Ok(AuditPage { edges, has_next_page, has_previous_page: after.is_some() })
    }

    /// The event of this id. Needs `AUDIT_LOG_READ`.
    ///
    /// # Errors
    /// When the caller may not, or no event has this id.
    pub async fn event(&self, caller: &Caller, id: EventId) -> Result<AuditEvent, Error> {
        let now = self.now();
        let own = self.own_token(caller, now).await?;
        Authority::of(&own).require(Permission::AuditLogRead)?;
        self.store.event(id).await?.ok_or(Error::NotFound { field: "id" })
    }
}

fn read_cursor(text: &str) -> Option<EventId> {
    EventId::parse(&String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?)
}
