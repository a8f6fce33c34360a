//! The settings of a token: what is asked for at its creation, and what of it can be changed later.

use super::kind::TokenKind;
use super::permission::Permissions;
use super::scope::Scopes;
use crate::domain::input::InvalidInput;
use crate::domain::restriction::{AllowedOrigins, CidrBlocks};
use crate::domain::text::names;
use crate::domain::timestamp::Timestamp;

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

impl Settings {
    /// The moment at which a token with these settings is overdue whose current value was issued at this one; `None` without a
    /// rotation period (R3).
    pub fn rotate_by(&self, issued_at: Timestamp) -> Option<Timestamp> {
        self.rotation_period_minutes.map(|minutes| issued_at.plus_minutes(minutes))
    }

    /// Whether the settings go together, each being sound by itself.
    ///
    /// # Errors
    /// The first that does not fit.
    pub(super) fn validate(&self) -> Result<(), InvalidInput> {
        if self.kind == TokenKind::Public && !self.permissions.is_empty() {
            return Err(InvalidInput::new(
                "permissions",
                "A public token cannot have permissions, because anyone can copy it. Leave them out, or make the token PRIVATE.",
            ));
        }
        if self.protected && self.on_reuse == ReusePolicy::Revoke {
            return Err(InvalidInput::new(
                "onReuse",
                "A protected token cannot be revoked, not even on reuse. Set onReuse to ALERT, or protected to false.",
            ));
        }
        Ok(())
    }
}
