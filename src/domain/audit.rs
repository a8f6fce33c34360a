//! What the audit log remembers of a change: who did what to which token, and when. Never a value.

use super::id::{EventId, TokenId};
use super::timestamp::Timestamp;
use super::token::Actor;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A token was created.
    Created,
    /// A token was rotated.
    Rotated,
    /// An unused value was cancelled and replaced, because its answer was lost (R5).
    Recovered,
    /// A token was revoked.
    Revoked,
}

impl Action {
    /// The name in the schema and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "API_TOKEN_CREATED",
            Self::Rotated => "API_TOKEN_ROTATED",
            Self::Recovered => "API_TOKEN_RECOVERED",
            Self::Revoked => "API_TOKEN_REVOKED",
        }
    }
}

/// One event of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its identity.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub action: Action,
    /// Who did it.
    pub actor: Actor,
    /// To which token.
    pub token_id: TokenId,
    /// The token's current generation after it.
    pub generation: u32,
}
