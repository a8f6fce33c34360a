//! What happens by itself: when an overlap starts, and what follows the use of a retired value.

use crate::domain::text::names;

/// From when on the overlap after a rotation is counted (R4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OverlapStart {
    /// At the rotation.
    #[default]
    Rotation,
    /// At the first use of the new value, so no client is cut off before it has received that value.
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
