//! What the audit log remembers: who did what to which token, from where, when, and what came of it. Never a value.

use core::net::IpAddr;
use std::collections::BTreeSet;

use super::id::{EventId, RequestId, TokenId};
use super::timestamp::Timestamp;
use super::token::Actor;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// A token was created.
    Created,
    /// The settings of a token were changed.
    Updated,
    /// A token was rotated.
    Rotated,
    /// An unused value was cancelled and replaced, because its answer was lost (R5).
    Recovered,
    /// A rotation's answer was given again (R6).
    RotationRepeated,
    /// A rotation lost against another, or came too late (R5, R7).
    RotationRefused,
    /// A running overlap was ended early (R4).
    OverlapEnded,
    /// A token was revoked.
    Revoked,
    /// A value was presented that works no more (R8).
    ValueReused,
    /// A good value was presented from where it may not be used (R12).
    RestrictionRefused,
    /// A credential was presented that no token has.
    SignInRefused,
}

impl Action {
    /// Every action there is.
    pub const ALL: [Self; 11] = [
        Self::Created,
        Self::Updated,
        Self::Rotated,
        Self::Recovered,
        Self::RotationRepeated,
        Self::RotationRefused,
        Self::OverlapEnded,
        Self::Revoked,
        Self::ValueReused,
        Self::RestrictionRefused,
        Self::SignInRefused,
    ];

    /// The name in the schema and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "API_TOKEN_CREATED",
            Self::Updated => "API_TOKEN_UPDATED",
            Self::Rotated => "API_TOKEN_ROTATED",
            Self::Recovered => "API_TOKEN_RECOVERED",
            Self::RotationRepeated => "API_TOKEN_ROTATION_REPEATED",
            Self::RotationRefused => "API_TOKEN_ROTATION_REFUSED",
            Self::OverlapEnded => "API_TOKEN_OVERLAP_ENDED",
            Self::Revoked => "API_TOKEN_REVOKED",
            Self::ValueReused => "API_TOKEN_VALUE_REUSED",
            Self::RestrictionRefused => "API_TOKEN_RESTRICTION_REFUSED",
            Self::SignInRefused => "SIGN_IN_REFUSED",
        }
    }
}

/// The request in which something happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The client's address, as far as it is known.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header, cut to [`Provenance::MAX_USER_AGENT_LENGTH`] characters.
    pub user_agent: Option<String>,
    /// The request's own identity, as in the log and the `X-Request-Id` of the answer.
    pub request_id: Option<RequestId>,
}

impl Provenance {
    /// How much is kept of a user agent, in characters.
    pub const MAX_USER_AGENT_LENGTH: usize = 255;
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
    /// What came of it: `OK`, or the code of the refusal.
    pub result: String,
    /// Who did it; `None` for somebody unknown.
    pub actor: Option<Actor>,
    /// To which token; `None` where it is not known.
    pub token_id: Option<TokenId>,
    /// The generation of the value that it is about: the newest after a change, the presented one in a refusal.
    pub generation: Option<u32>,
    /// In which request.
    pub provenance: Provenance,
}

/// Which events. Every condition that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Events of one of these actions.
    pub actions: Option<BTreeSet<Action>>,
    /// Events about this token.
    pub token_id: Option<TokenId>,
    /// Events by the holder of this token.
    pub actor_id: Option<TokenId>,
    /// Events from this moment on.
    pub since: Option<Timestamp>,
    /// Events before this moment.
    pub until: Option<Timestamp>,
}
