//! What a transaction changes: noted while it runs, published once it is durable, and sent to other replicas as ids.

use std::collections::BTreeSet;
use std::fmt::{Display, Write};
use std::sync::Arc;

use crate::domain::audit::AuditEvent;
use crate::domain::id::{EventId, TokenId};

/// What a transaction does, for those who must be told when it is durable. It names no setting and no value.
#[derive(Debug, Default)]
pub(in crate::store) struct Notes {
    /// The tokens whose facts it changes, other than the moment of their last use.
    pub(in crate::store) tokens: BTreeSet<TokenId>,
    pub(in crate::store) events: Vec<Arc<AuditEvent>>,
    /// What no statement of the transaction has told other replicas yet.
    untold: String,
}

impl Notes {
    /// Takes note of a token that is changed.
    pub(in crate::store) fn token(&mut self, id: TokenId) {
        if self.tokens.insert(id) {
            self.add_untold(id);
        }
    }

    /// Takes note of an event that is appended.
    pub(in crate::store) fn event(&mut self, event: Arc<AuditEvent>) {
        self.add_untold(event.id);
        self.events.push(event);
    }

    /// What other replicas are to be told that they are not told yet: ids only, at most a few hundred bytes; `None` where
    /// there is nothing to tell. Each id once, because an event that is told twice is heard twice.
    pub(in crate::store) fn take_untold(&mut self) -> Option<String> {
        Some(std::mem::take(&mut self.untold)).filter(|untold| !untold.is_empty())
    }

    /// The events that are appended.
    pub(in crate::store) fn events(&self) -> &[Arc<AuditEvent>] {
        &self.events
    }

    pub(in crate::store) fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.events.is_empty()
    }

    fn add_untold(&mut self, id: impl Display) {
        let space = if self.untold.is_empty() { "" } else { " " };
        // It cannot fail: the text grows as it must.
        let _ = write!(self.untold, "{space}{id}");
    }
}

/// What another process has told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Told {
    pub(in crate::store) tokens: Vec<TokenId>,
    pub(in crate::store) events: Vec<EventId>,
    /// Whether something was told that this version does not know, so that anything may have changed.
    pub(in crate::store) unknown: bool,
}

impl Told {
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
    fn what_a_replica_tells_another_reads_back_and_anything_else_is_told_apart() {
        let now = Timestamp::from_unix_millis(0);
        let (token, event) = (TokenId::new(now, [1; 10]), EventId::new(now, [2; 10]));
        let mut told = Told::default();
        told.add(&format!("{token} {event}"));
        assert_eq!(told, Told { tokens: vec![token], events: vec![event], unknown: false });
        told.add("something else");
        assert!(told.unknown);
    }

    #[test]
    fn every_note_is_told_once() {
        let now = Timestamp::from_unix_millis(0);
        let (one, two) = (TokenId::new(now, [1; 10]), TokenId::new(now, [2; 10]));
        let mut notes = Notes::default();
        assert_eq!(notes.take_untold(), None);
        notes.token(one);
        notes.token(one);
        notes.token(two);
        assert_eq!(notes.take_untold(), Some(format!("{one} {two}")));
        notes.token(one);
        assert_eq!(notes.take_untold(), None);
        assert_eq!(notes.tokens.len(), 2, "they are still to be published here");
    }
}
