//! Who did something.

use crate::domain::id::TokenId;
use crate::domain::text::names;

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The operator of the server, at its command line or at its first start.
    System,
    /// The holder of an API token.
    ApiToken(TokenId),
}

/// The kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// See [`Actor::System`].
    System,
    /// See [`Actor::ApiToken`].
    ApiToken,
}

names! {
    ActorKind {
        System => "SYSTEM",
        ApiToken => "API_TOKEN",
    }
}

impl Actor {
    /// Its kind.
    pub fn kind(self) -> ActorKind {
        match self {
            Self::System => ActorKind::System,
            Self::ApiToken(_) => ActorKind::ApiToken,
        }
    }

    /// Which API token it is.
    pub fn token_id(self) -> Option<TokenId> {
        match self {
            Self::System => None,
            Self::ApiToken(id) => Some(id),
        }
    }
}
