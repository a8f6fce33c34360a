//! What a transaction changes: collected while it runs, published once it is durable, and announced to other replicas as ids.

use std::collections::BTreeSet;
use std::fmt::{Display, Write};
use std::sync::Arc;

use crate::domain::audit::AuditEvent;
use crate::domain::id::{EventId, TokenId};

/// The changes of one transaction, by id only: no setting and no value.
#[derive(Debug, Default)]
pub(in crate::store) struct ChangeSet {
    /// The tokens that it changes. A later use of a value, which changes only the time of the last use, does not count.
    pub(in crate::store) tokens: BTreeSet<TokenId>,
    pub(in crate::store) events: Vec<Arc<AuditEvent>>,
    /// Whether it writes notices, which this process is to send at once.
    pub(in crate::store) writes_notices: bool,
    /// The ids that no statement of the transaction has announced to other replicas yet.
    unannounced: String,
}

impl ChangeSet {
    /// Adds a token that is changed.
    pub(in crate::store) fn add_token(&mut self, id: TokenId) {
        if self.tokens.insert(id) {
            self.add_unannounced(id);
        }
    }

    /// Adds an event that is appended to the audit log.
    pub(in crate::store) fn add_event(&mut self, event: Arc<AuditEvent>) {
        self.add_unannounced(event.id);
        self.events.push(event);
    }

    /// Takes the ids that are still to be announced to other replicas, at most a few hundred bytes; `None` if there are none. Each
    /// is taken once: if an event were announced twice, subscribers would get it twice.
    pub(in crate::store) fn take_unannounced(&mut self) -> Option<String> {
        Some(std::mem::take(&mut self.unannounced)).filter(|unannounced| !unannounced.is_empty())
    }

    /// The events, in the order in which they were appended.
    pub(in crate::store) fn events(&self) -> &[Arc<AuditEvent>] {
        &self.events
    }

    pub(in crate::store) fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.events.is_empty()
    }

    fn add_unannounced(&mut self, id: impl Display) {
        let space = if self.unannounced.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(self.unannounced, "{space}{id}");
    }
}

/// What other replicas have announced.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Announced {
    pub(in crate::store) tokens: Vec<TokenId>,
    pub(in crate::store) events: Vec<EventId>,
    /// Whether anything may have changed: a newer version announced something that this one does not know, or a table was rewritten.
    pub(in crate::store) unknown: bool,
}

impl Announced {
    pub(in crate::store) fn add(&mut self, payload: &str) {
        for id in payload.split_whitespace() {
            if let Some(id) = TokenId::parse(id) {
                self.tokens.push(id);
            } else if let Some(id) = EventId::parse(id) {
                self.events.push(id);
            } else {
                self.unknown = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::timestamp::Timestamp;

    use super::*;

    #[test]
    fn what_a_replica_announces_is_read_back_and_anything_else_is_unknown() {
        let now = Timestamp::from_unix_millis(0);
        let (token, event) = (TokenId::new(now, [1; 10]), EventId::new(now, [2; 10]));
        let mut announced = Announced::default();
        announced.add(&format!("{token} {event}"));
        assert_eq!(announced, Announced { tokens: vec![token], events: vec![event], unknown: false });
        announced.add("something else");
        assert!(announced.unknown);
    }

    #[test]
    fn every_change_is_announced_once() {
        let now = Timestamp::from_unix_millis(0);
        let (one, two) = (TokenId::new(now, [1; 10]), TokenId::new(now, [2; 10]));
        let mut changes = ChangeSet::default();
        assert_eq!(changes.take_unannounced(), None);
        changes.add_token(one);
        changes.add_token(one);
        changes.add_token(two);
        assert_eq!(changes.take_unannounced(), Some(format!("{one} {two}")));
        changes.add_token(one);
        assert_eq!(changes.take_unannounced(), None);
        assert_eq!(changes.tokens.len(), 2, "they are still to be published here");
    }
}
