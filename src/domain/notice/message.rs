//! A notice, and the message that says it. The message is written once, with the notice: nothing is looked up when it is delivered, so
//! a token that is dead by then is announced as it was.

mod json;

use json::Object;

use super::kind::NoticeKind;
use crate::domain::error_code::ErrorCode;
use crate::domain::id::{EventId, NoticeId, TokenId, WebhookId};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Token, TokenKind};

/// The token that a notice is about, as it was then. No value and no hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its identity.
    pub id: TokenId,
    /// Its name.
    pub name: Box<str>,
    /// Its owner.
    pub owner: Option<Box<str>>,
    /// Its kind.
    pub kind: TokenKind,
}

impl Subject {
    /// What a notice says of this token.
    pub fn of(token: &Token) -> Self {
        let settings = &token.settings;
        Self { id: token.id, name: settings.name.clone(), owner: settings.owner.clone(), kind: settings.kind }
    }
}

/// A notice. What does not apply to its kind is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its identity, by which a receiver recognises a repetition.
    pub id: NoticeId,
    /// What it is about.
    pub kind: NoticeKind,
    /// When it happened or, if it is yet to happen, when this was written.
    pub at: Timestamp,
    /// The token; `None` in a test.
    pub subject: Option<Subject>,
    /// The generation of the value concerned.
    pub generation: Option<u32>,
    /// When the token or its previous value stops working, unless something is done before.
    pub deadline: Option<Timestamp>,
    /// When the token, or the previous value, was last used.
    pub last_used_at: Option<Timestamp>,
    /// As what it was refused.
    pub code: Option<ErrorCode>,
    /// Its event in the audit log. Only that says who did it, why and from which address: a reader of messages need not hold
    /// `AUDIT_LOG_READ`.
    pub event: Option<EventId>,
    /// The webhook that is tested.
    pub webhook: Option<WebhookId>,
}

impl Notice {
    /// A notice about a token, of which nothing else is known yet.
    pub fn about(token: &Token, id: NoticeId, kind: NoticeKind, at: Timestamp) -> Self {
        Self { subject: Some(Subject::of(token)), ..Self::new(id, kind, at) }
    }

    /// A test of this webhook.
    pub fn test(webhook: WebhookId, id: NoticeId, at: Timestamp) -> Self {
        Self { webhook: Some(webhook), ..Self::new(id, NoticeKind::Test, at) }
    }

    fn new(id: NoticeId, kind: NoticeKind, at: Timestamp) -> Self {
        Self {
            id,
            kind,
            at,
            subject: None,
            generation: None,
            deadline: None,
            last_used_at: None,
            code: None,
            event: None,
            webhook: None,
        }
    }

    /// The body of the message, in JSON.
    pub fn message(&self) -> String {
        // Destructured, so that nothing is forgotten.
        let Self {
            // A header has it.
            id: _,
            kind,
            at,
            subject,
            generation,
            deadline,
            last_used_at,
            code,
            event,
            webhook,
        } = self;
        let mut data = Object::new();
        if let Some(subject) = subject {
            data = data.raw("token", &token(subject));
        }
        if let Some(generation) = generation {
            data = data.raw("generation", &generation.to_string());
        }
        let moment = |at: &Option<Timestamp>| at.map(|at| at.to_string());
        data = data
            .text_if_any("deadline", moment(deadline).as_deref())
            .text_if_any("lastUsedAt", moment(last_used_at).as_deref())
            .text_if_any("code", code.map(ErrorCode::as_str))
            .text_if_any("eventId", event.map(|id| id.to_string()).as_deref())
            .text_if_any("webhookId", webhook.map(|id| id.to_string()).as_deref());
        Object::new()
            .text("type", kind.message_type())
            .text("timestamp", &at.to_string())
            .raw("data", &data.end())
            .end()
    }
}

fn token(subject: &Subject) -> String {
    let Subject { id, name, owner, kind } = subject;
    let object = Object::new().text("id", &id.to_string()).text("name", name);
    let object = match owner {
        Some(owner) => object.text("owner", owner),
        None => object.raw("owner", "null"),
    };
    object.text("kind", kind.as_str()).end()
}

#[cfg(test)]
mod tests;
