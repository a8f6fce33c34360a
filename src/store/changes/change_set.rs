//! What a transaction changes: noted while it runs, published once it is durable, and sent to other replicas as ids.

use std::collections::BTreeSet;
use std::fmt::{Display, Write};
use std::sync::Arc;

use crate::domain::audit::AuditEvent;
use crate::domain::id::{EventId, TokenId};

/// What a transaction changes, by id only: no setting and no value.
#[derive(Debug, Default)]
pub(in crate::store) struct Notes {
    /// The tokens whose facts it changes, other than the moment of their last use.
    pub(in crate::store) tokens: BTreeSet<TokenId>,
    pub(in crate::store) events: Vec<Arc<AuditEvent>>,
    /// What no statement of the transaction has announced to other replicas yet.
    unannounced: String,
}

impl Notes {
    /// Takes note of a token that is changed.
    pub(in crate::store) fn token(&mut self, id: TokenId) {
        if self.tokens.insert(id) {
            self.add_unannounced(id);
        }
    }

    /// Takes note of an event that is appended.
    pub(in crate::store) fn event(&mut self, event: Arc<AuditEvent>) {
        self.add_unannounced(event.id);
        self.events.push(event);
    }

    /// The ids that are still to be announced to other replicas, at most a few hundred bytes; `None` if there are none. Each id is
    /// taken once, because subscribers would get an event twice that is announced twice.
    pub(in crate::store) fn take_unannounced(&mut self) -> Option<String> {
        Some(std::mem::take(&mut self.unannounced)).filter(|unannounced| !unannounced.is_empty())
    }

    /// The events that are appended.
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
    /// Whether something was announced that this version does not know, so that anything may have changed.
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
    fn every_note_is_announced_once() {
        let now = Timestamp::from_unix_millis(0);
        let (one, two) = (TokenId::new(now, [1; 10]), TokenId::new(now, [2; 10]));
        let mut notes = Notes::default();
        assert_eq!(notes.take_unannounced(), None);
        notes.token(one);
        notes.token(one);
        notes.token(two);
        assert_eq!(notes.take_unannounced(), Some(format!("{one} {two}")));
        notes.token(one);
        assert_eq!(notes.take_unannounced(), None);
        assert_eq!(notes.tokens.len(), 2, "they are still to be published here");
    }
}
