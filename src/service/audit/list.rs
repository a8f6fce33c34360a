//! `auditEvents`: what happened, newest first.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::audit::{AuditEvent, AuditFilter, EventPage};
use crate::domain::id::EventId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::rule::authority::Authority;
use crate::domain::token::Permission;
use crate::service::token::{broken_cursor, end_and_size, neighbours};
use crate::service::{Caller, Error, Service};

/// A page of the audit log as a client asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRequest {
    /// How many from the start, which is the newest; excludes `last`.
    pub first: Option<i32>,
    /// Only events after this cursor, which are older.
    pub after: Option<String>,
    /// How many from the end, which is the oldest; excludes `first`.
    pub last: Option<i32>,
    /// Only events before this cursor, which are newer.
    pub before: Option<String>,
    /// Which events.
    pub filter: AuditFilter,
}

/// A page of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// The events, newest first, each with its cursor.
    pub edges: Vec<(String, AuditEvent)>,
    /// Whether there are older ones, as far as this request can tell.
    pub has_next_page: bool,
    /// Whether there are newer ones, as far as this request can tell.
    pub has_previous_page: bool,
}

impl AuditRequest {
    /// The page, if every argument is valid.
    fn validate(self) -> Result<EventPage, InvalidInput> {
        let (end, size) = end_and_size(self.first, self.last, "events")?;
        let read = |field, cursor: Option<String>| {
            cursor.map(|text| read_cursor(&text).ok_or_else(|| broken_cursor(field))).transpose()
        };
        let (after, before) = (read("after", self.after)?, read("before", self.before)?);
        Ok(EventPage { filter: self.filter, after, before, size, end })
    }
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
        let page = request.validate()?;
        let listing = self.store.events(&page).await?;
        let (has_next_page, has_previous_page) = neighbours(page.end, listing.more, &page.after, &page.before);
        let edge = |event: AuditEvent| (URL_SAFE_NO_PAD.encode(event.id.to_string()), event);
        Ok(AuditPage { edges: listing.events.into_iter().map(edge).collect(), has_next_page, has_previous_page })
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
