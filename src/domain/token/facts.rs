//! The facts about an API token and its values. Everything else (status, standing, deadlines) is derived from them by `lifecycle`,
//! for a given time.

use super::actor::Actor;
use super::settings::Settings;
use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;
use crate::domain::value::foreign::FormatName;
use crate::domain::value::{Hint, ValueHash};

/// The facts about one value. The secret itself is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueFacts {
    /// The number of the value within its token: 1 at creation, one more at each rotation.
    pub generation: u32,
    /// The SHA-256 of the value.
    pub hash: ValueHash,
    /// The last four characters of the value, as far as they are known.
    pub hint: Hint,
    /// The format of a value that was issued elsewhere, and imported; `None` for a value of ours. Boxed, because few values have one.
    pub format: Option<Box<FormatName>>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// Who issued it.
    pub created_by: Actor,
    /// When it was first used: presented, and found to work.
    pub first_used_at: Option<Timestamp>,
    /// When it was last used, but for the first time; at most a minute behind (R14).
    pub last_used_at: Option<Timestamp>,
    /// When a newer value replaced it; `None` for the current value.
    pub replaced_at: Option<Timestamp>,
    /// When it stops working; `None` for the current value, and for a replaced one whose overlap has not begun (R4).
    pub retires_at: Option<Timestamp>,
    /// The overlap, in minutes, that the rotation which issued this value left to the one before.
    pub overlap_minutes: u32,
    /// Whether the value before has brown-outs towards the end of that overlap.
    pub brown_out: bool,
    /// The salt to derive this value again for a repeated request (R6); `None` for a random value.
    pub salt: Option<Salt>,
}

/// Random bytes that are kept beside a derived value until it is used. They are useless without the value and the key that it was
/// derived from (R6). Boxed, because few values have a salt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salt(pub Box<[u8; Salt::BYTES]>);

impl Salt {
    /// The length of a salt: as long as the hash it goes into (RFC 5869, section 3.1).
    pub const BYTES: usize = 32;
}

/// An API token with its current and previous value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The lasting identity; no rotation changes it.
    pub id: TokenId,
    /// The settings.
    pub settings: Settings,
    /// When the token was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: Actor,
    /// When its settings were last changed, and by whom.
    pub updated: Option<(Timestamp, Actor)>,
    /// When a value of it was last used; at most a minute behind.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
    /// The newest value.
    pub current: ValueFacts,
    /// The value that the newest one replaced, while its overlap runs. Boxed, because few tokens have one.
    pub previous: Option<Box<ValueFacts>>,
}

impl Token {
    /// The current value and, if there is one, the previous.
    pub fn values(&self) -> impl Iterator<Item = &ValueFacts> {
        std::iter::once(&self.current).chain(self.previous.as_deref())
    }

    /// The value of this generation, if it is the current or the previous one.
    pub fn value(&self, generation: u32) -> Option<&ValueFacts> {
        self.values().find(|value| value.generation == generation)
    }

    /// When the current value was issued by a rotation; `None` for a token never rotated.
    pub fn rotated_at(&self) -> Option<Timestamp> {
        (self.current.generation > 1).then_some(self.current.created_at)
    }

    /// When the token becomes overdue unless it is rotated; `None` without a rotation period (R3).
    pub fn rotate_by(&self) -> Option<Timestamp> {
        self.settings.rotate_by(self.current.created_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100,000 tokens are cached by default, so each byte here costs 100 kB of memory. The alignment or niche of a single field can
    /// cost forty bytes.
    #[test]
    fn a_cached_token_takes_little_memory() {
        assert!(size_of::<Token>() <= 376, "{}", size_of::<Token>());
        assert!(size_of::<Option<Actor>>() <= 17 && size_of::<Option<Timestamp>>() == 8);
    }
}
