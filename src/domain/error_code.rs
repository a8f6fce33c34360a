//! The one list of error codes. `docs/errors.md` has a row for each; a test compares.

use crate::domain::text::names;

/// After how many seconds to retry if the database is unavailable. A failover takes longer, but how long is unknown, and one
/// request a second from each client costs little.
const RETRY_UNAVAILABLE_SECONDS: u32 = 1;

/// An error code, for programs: `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// No value, or one that no token has.
    Unauthenticated,
    /// See [`Refusal::TokenExpired`](super::refusal::Refusal::TokenExpired).
    TokenExpired,
    /// See [`Refusal::TokenRevoked`](super::refusal::Refusal::TokenRevoked).
    TokenRevoked,
    /// See [`Refusal::TokenSuspended`](super::refusal::Refusal::TokenSuspended).
    TokenSuspended,
    /// See [`Refusal::NotYetValid`](super::refusal::Refusal::NotYetValid).
    NotYetValid,
    /// See [`Refusal::RotationOverdue`](super::refusal::Refusal::RotationOverdue).
    RotationOverdue,
    /// See [`Refusal::ValueRetired`](super::refusal::Refusal::ValueRetired).
    ValueRetired,
    /// See [`Refusal::BrownOut`](super::refusal::Refusal::BrownOut).
    BrownOut,
    /// See [`Refusal::ValueSuperseded`](super::refusal::Refusal::ValueSuperseded).
    ValueSuperseded,
    /// See [`Refusal::RotationConflict`](super::refusal::Refusal::RotationConflict).
    RotationConflict,
    /// See [`Refusal::IdempotencyKeyReused`](super::refusal::Refusal::IdempotencyKeyReused).
    IdempotencyKeyReused,
    /// A value that is in use would be cut off, and that was not forced (R15).
    StillInUse,
    /// See [`Refusal::TokenProtected`](super::refusal::Refusal::TokenProtected).
    TokenProtected,
    /// See [`Refusal::AddressRefused`](super::refusal::Refusal::AddressRefused).
    AddressRefused,
    /// See [`Refusal::OriginRefused`](super::refusal::Refusal::OriginRefused).
    OriginRefused,
    /// See [`Refusal::Forbidden`](super::refusal::Refusal::Forbidden).
    Forbidden,
    /// Nothing has this id or address.
    NotFound,
    /// The request or one of its fields is invalid.
    BadUserInput,
    /// The document is not valid GraphQL syntax.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// No document with this hash was sent before, or it is no longer cached.
    PersistedQueryNotFound,
    /// The token has the maximum number of event streams and sockets.
    RateLimited,
    /// The database cannot be reached, or cannot do this at the moment. The same request may succeed later.
    Unavailable,
    /// The server failed; its log has the cause.
    Internal,
}

names! {
    ErrorCode {
        Unauthenticated => "UNAUTHENTICATED",
        TokenExpired => "TOKEN_EXPIRED",
        TokenRevoked => "TOKEN_REVOKED",
        TokenSuspended => "TOKEN_SUSPENDED",
        NotYetValid => "NOT_YET_VALID",
        RotationOverdue => "ROTATION_OVERDUE",
        ValueRetired => "VALUE_RETIRED",
        BrownOut => "BROWN_OUT",
        ValueSuperseded => "VALUE_SUPERSEDED",
        RotationConflict => "ROTATION_CONFLICT",
        IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
        StillInUse => "STILL_IN_USE",
        TokenProtected => "TOKEN_PROTECTED",
        AddressRefused => "ADDRESS_REFUSED",
        OriginRefused => "ORIGIN_REFUSED",
        Forbidden => "FORBIDDEN",
        NotFound => "NOT_FOUND",
        BadUserInput => "BAD_USER_INPUT",
        GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
        GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
        PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
        RateLimited => "RATE_LIMITED",
        Unavailable => "UNAVAILABLE",
        Internal => "INTERNAL",
    }
}

impl ErrorCode {
    /// After how many whole seconds to retry the same request, if that follows from the code alone.
    pub fn retry_after_seconds(self) -> Option<u32> {
        (self == Self::Unavailable).then_some(RETRY_UNAVAILABLE_SECONDS)
    }
}
