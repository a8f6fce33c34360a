//! The facts about an API token and its values. Everything else (status, standing, deadlines) is derived from them by
//! `lifecycle`, for a moment that the caller names.

use super::cidr::CidrBlocks;
use super::id::TokenId;
use super::names::names;
use super::origin::AllowedOrigins;
use super::permissions::Permissions;
use super::scope::Scopes;
use super::timestamp::Timestamp;
use super::value::{Hint, ValueHash};

/// Who holds the token, and so who may rotate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Held by a server: may rotate itself and may hold permissions.
    Private,
    /// Shipped in a page or an app, where anyone can copy it: holds scopes only and is rotated by someone else.
    Public,
}

names! {
    TokenKind {
        Private => "PRIVATE",
        Public => "PUBLIC",
    }
}

/// What a token may do to Rotakey itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Read every API token.
    ApiTokenRead,
    /// Create, update, rotate and revoke API tokens.
    ApiTokenModify,
    /// Ask whether a presented value is good.
    ApiTokenVerify,
    /// Read the audit log.
    AuditLogRead,
}

names! {
    Permission {
        ApiTokenRead => "API_TOKEN_READ",
        ApiTokenModify => "API_TOKEN_MODIFY",
        ApiTokenVerify => "API_TOKEN_VERIFY",
        AuditLogRead => "AUDIT_LOG_READ",
    }
}

/// From when on the overlap after a rotation is counted (R4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OverlapStart {
    /// From the rotation.
    #[default]
    Rotation,
    /// From the first use of the new value: a client that has not yet received it is never cut off.
    FirstUse,
}

names! {
    OverlapStart {
        Rotation => "ROTATION",
        FirstUse => "FIRST_USE",
    }
}

/// What happens when a value is presented that works no more (R8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReusePolicy {
    /// It is recorded.
    #[default]
    Alert,
    /// It is recorded, and the token is revoked.
    Revoke,
}

names! {
    ReusePolicy {
        Alert => "ALERT",
        Revoke => "REVOKE",
    }
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The operator of the server, at its command line or at its first start.
    System,
    /// The holder of an API token.
    ApiToken(TokenId),
}

/// Of what kind an actor is.
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
    /// Of what kind it is.
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

/// The settings of a token: given at creation, and inherited by every generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A name for people, 1 to 255 characters.
    pub name: Box<str>,
    /// What the token is for.
    pub description: Option<Box<str>>,
    /// Whose token it is: any string of the operator's.
    pub owner: Option<Box<str>>,
    /// Private or public; fixed at creation.
    pub kind: TokenKind,
    /// What the token may do to Rotakey.
    pub permissions: Permissions,
    /// What the token may do to the API it protects.
    pub scopes: Scopes,
    /// The end of the token's life, which no rotation moves (R2); fixed at creation.
    pub expires_at: Option<Timestamp>,
    /// The longest time without a rotation, in minutes (R3); fixed at creation.
    pub rotation_period_minutes: Option<u32>,
    /// How long the previous value works after a rotation, in minutes (R4); fixed at creation.
    pub overlap_minutes: u32,
    /// From when on that is counted; fixed at creation.
    pub overlap_starts: OverlapStart,
    /// From which networks it may be used (R12).
    pub allowed_cidr_blocks: CidrBlocks,
    /// From which web origins it may be used (R12).
    pub allowed_origins: AllowedOrigins,
    /// What happens when a retired value is presented (R8).
    pub on_reuse: ReusePolicy,
    /// Whether it cannot be revoked until this is taken back (R11).
    pub protected: bool,
}

/// The facts about one value. The secret itself is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueFacts {
    /// The number of the value within its token: 1 at creation, one more at each rotation.
    pub generation: u32,
    /// The SHA-256 of the value.
    pub hash: ValueHash,
    /// The last four characters of the value.
    pub hint: Hint,
    /// When it was issued.
    pub created_at: Timestamp,
    /// Who issued it.
    pub created_by: Actor,
    /// When it was first presented successfully.
    pub first_used_at: Option<Timestamp>,
    /// When a newer value replaced it; `None` for the current value.
    pub replaced_at: Option<Timestamp>,
    /// When it stops working; `None` for the current value, and for a replaced one whose overlap has not begun (R4).
    pub retires_at: Option<Timestamp>,
    /// The overlap, in minutes, that the rotation which issued this value left to the one before.
    pub overlap_minutes: u32,
    /// What a repeated request derives this value from again (R6); `None` for a value that is plainly random.
    pub salt: Option<Salt>,
}

/// Random bytes kept beside a derived value, until it is used; apart, because few values have any. Of no use without the value
/// and the key that it was derived from (R6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salt(pub Box<[u8; Salt::BYTES]>);

impl Salt {
    /// The length of a salt: as long as the hash it goes into (RFC 5869, section 3.1).
    pub const BYTES: usize = 32;
}

/// An API token with the values that still matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The lasting identity; no rotation changes it.
    pub id: TokenId,
    /// What was asked for at creation.
    pub settings: Settings,
    /// When the token was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: Actor,
    /// When its settings were last changed, and by whom.
    pub updated: Option<(Timestamp, Actor)>,
    /// When a value of it was last presented successfully; at most a minute behind.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The newest value.
    pub current: ValueFacts,
    /// The value that the newest one replaced, while its overlap lasts; apart, because few tokens have one.
    pub previous: Option<Box<ValueFacts>>,
}

impl Settings {
    /// The moment at which a token with these settings is overdue whose current value was issued at this one; `None` without a
    /// rotation period (R3).
    pub fn rotate_by(&self, issued_at: Timestamp) -> Option<Timestamp> {
        self.rotation_period_minutes.map(|minutes| issued_at.plus_minutes(minutes))
    }
}

impl Token {
    /// The current value and, if there is one, the previous.
    pub fn values(&self) -> impl Iterator<Item = &ValueFacts> {
        std::iter::once(&self.current).chain(self.previous.as_deref())
    }

    /// The value of this generation, if it still matters.
    pub fn value(&self, generation: u32) -> Option<&ValueFacts> {
        self.values().find(|value| value.generation == generation)
    }

    /// When the current value was issued by a rotation; `None` for a token never rotated.
    pub fn rotated_at(&self) -> Option<Timestamp> {
        (self.current.generation > 1).then_some(self.current.created_at)
    }

    /// The moment at which the token is overdue unless rotated before; `None` without a rotation period (R3).
    pub fn rotate_by(&self) -> Option<Timestamp> {
        self.settings.rotate_by(self.current.created_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100,000 tokens are remembered by default, so each byte here is 100 kB of the server's memory, and one field of an
    /// alignment or a niche of its own can cost forty of them.
    #[test]
    fn a_token_is_remembered_in_little_room() {
        assert!(size_of::<Token>() <= 336, "{}", size_of::<Token>());
        assert!(size_of::<Option<Actor>>() <= 17 && size_of::<Option<Timestamp>>() == 8);
    }
}
