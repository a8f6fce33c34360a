//! What a notice is about.

use crate::domain::text::names;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// A token expires soon.
    Expiring,
    /// A token must be rotated soon (R3).
    RotationDue,
    /// An overlap ends soon, and the previous value is still in use (R4).
    OverlapEnding,
    /// A token has not been used for long.
    Unused,
    /// A retired value was presented (R8).
    ValueReused,
    /// A value was reported to have leaked.
    Leaked,
    /// A token was revoked (R10).
    Revoked,
    /// A value was presented from an address or origin that is not allowed (R12).
    RestrictionRefused,
    /// Somebody tests a webhook.
    Test,
}

names! {
    NoticeKind {
        Expiring => "EXPIRING",
        RotationDue => "ROTATION_DUE",
        OverlapEnding => "OVERLAP_ENDING",
        Unused => "UNUSED",
        ValueReused => "VALUE_REUSED",
        Leaked => "LEAKED",
        Revoked => "REVOKED",
        RestrictionRefused => "RESTRICTION_REFUSED",
        Test => "TEST",
    }
}

impl NoticeKind {
    /// The `type` of the message. Receivers depend on it, so it never changes.
    pub const fn message_type(self) -> &'static str {
        match self {
            Self::Expiring => "api_token.expiring",
            Self::RotationDue => "api_token.rotation_due",
            Self::OverlapEnding => "api_token.overlap_ending",
            Self::Unused => "api_token.unused",
            Self::ValueReused => "api_token.value_reused",
            Self::Leaked => "api_token.leaked",
            Self::Revoked => "api_token.revoked",
            Self::RestrictionRefused => "api_token.restriction_refused",
            Self::Test => "webhook.test",
        }
    }
}
