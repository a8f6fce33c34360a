//! The reasons for which a rule refuses.

use super::error_code::ErrorCode;
use super::rule::lifecycle::brown_out::BrownOut;

/// Why an operation is refused, or why a value does not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The token's `expiresAt` has passed.
    #[error("The API token has expired. Rotation does not extend a token's lifetime; ask for a new token.")]
    TokenExpired,
    /// The token was revoked.
    #[error("The API token was revoked, which is final. Ask for a new token.")]
    TokenRevoked,
    /// The token is suspended (R10).
    #[error("The API token is suspended. It works again when it is resumed with resumeAPIToken.")]
    TokenSuspended,
    /// Before the token's `notBefore`.
    #[error("The API token is not valid yet. Try again at its notBefore, or ask for another token.")]
    NotYetValid,
    /// The token went a whole rotation period without being rotated (R3).
    #[error("The API token was not rotated within its rotation period and no longer works. Ask for a new token.")]
    RotationOverdue,
    /// The token is not overdue, so there is nothing to revive.
    #[error("The API token is not overdue. Rotate it with rotateAPIToken.")]
    NotOverdue,
    /// The token became overdue longer ago than the operator allows for a revival (R3).
    #[error(
        "The API token is overdue and can no longer be revived: the server's --revival-window has passed, or is 0. Create another one; \
         cloneSettingsFrom copies its settings."
    )]
    RevivalTooLate,
    /// The value was replaced or cancelled, and its overlap, if any, has ended.
    #[error("This value was retired by a rotation. Use the newest value of the API token.")]
    ValueRetired,
    /// The previous value fails for some seconds, because its overlap is about to end.
    #[error(
        "This value will be retired soon and works again in {} s. Use the newest value of the API token: the rotation asked for brown-outs, \
         so that clients that still use this one are noticed.",
        .0.retry_after_seconds
    )]
    BrownOut(BrownOut),
    /// The value is the previous one and the new value has been used, so it cannot rotate any more (R5).
    #[error("A newer value of this API token is already in use. Rotate with that one.")]
    ValueSuperseded,
    /// Another rotation won, just now (R5, R7).
    #[error(
        "Another request has just rotated the API token. Use the value that it got, or try again in {retry_after_seconds} s."
    )]
    RotationConflict {
        /// Whole seconds after which a holder of the previous value may rotate again.
        retry_after_seconds: u32,
    },
    /// The key has been used for a rotation with another input (R6).
    #[error("This idempotency key was used for a rotation with another input. Use a new key for a new rotation.")]
    IdempotencyKeyReused,
    /// The token has no rotation period, and this endpoint rotates only tokens that have one.
    #[error(
        "This endpoint rotates only API tokens with a rotation period. Rotate this one with the mutation rotateAPIToken."
    )]
    NoRotationPeriod,
    /// The token is protected from revocation and suspension (R11).
    #[error("The API token is protected. Set protected to false before revoking or suspending it.")]
    TokenProtected,
    /// The caller's address is in none of the token's networks (R12).
    #[error("This API token may not be used from this address.")]
    AddressRefused,
    /// The request comes from none of the token's web origins (R12).
    #[error("This API token may not be used from this origin.")]
    OriginRefused,
    /// The caller lacks a permission or scope, or the operation is not for a token of this kind.
    #[error("{0}")]
    Forbidden(String),
}

impl Refusal {
    /// The error code of the refusal.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TokenExpired => ErrorCode::TokenExpired,
            Self::TokenRevoked => ErrorCode::TokenRevoked,
            Self::TokenSuspended => ErrorCode::TokenSuspended,
            Self::NotYetValid => ErrorCode::NotYetValid,
            Self::RotationOverdue | Self::RevivalTooLate => ErrorCode::RotationOverdue,
            Self::ValueRetired => ErrorCode::ValueRetired,
            Self::BrownOut(_) => ErrorCode::BrownOut,
            Self::ValueSuperseded => ErrorCode::ValueSuperseded,
            Self::RotationConflict { .. } => ErrorCode::RotationConflict,
            Self::IdempotencyKeyReused => ErrorCode::IdempotencyKeyReused,
            Self::NoRotationPeriod | Self::NotOverdue => ErrorCode::BadUserInput,
            Self::TokenProtected => ErrorCode::TokenProtected,
            Self::AddressRefused => ErrorCode::AddressRefused,
            Self::OriginRefused => ErrorCode::OriginRefused,
            Self::Forbidden(_) => ErrorCode::Forbidden,
        }
    }
}
