//! Four settings: when an overlap starts and ends, what happens if a retired value is presented, and what if a value has leaked.

use crate::domain::text::names;

/// When the overlap after a rotation starts (R4).
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

/// When the overlap after a rotation ends (R4, R15).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OverlapEnd {
    /// When it has lasted for `overlapMinutes`.
    #[default]
    OnTime,
    /// When the previous value has not been used for `silentMinutes`, and after `overlapMinutes` at the latest.
    WhenSilent,
}

names! {
    OverlapEnd {
        OnTime => "ON_TIME",
        WhenSilent => "WHEN_SILENT",
    }
}

/// What happens if a retired value is presented (R8).
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

/// What happens if a value that works is reported to have leaked. The later the stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeakPolicy {
    /// It is recorded.
    #[default]
    Alert,
    /// It is recorded, and the value is retired.
    Retire,
    /// It is recorded, and the token is revoked.
    Revoke,
}

names! {
    LeakPolicy {
        Alert => "ALERT",
        Retire => "RETIRE",
        Revoke => "REVOKE",
    }
}
