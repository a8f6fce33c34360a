//! `ErrorCode`: the list of error codes as an enum of the schema, so that generated clients know the values of `extensions.code`.

use async_graphql::Enum;

use crate::service;

/// The kind of an error, for programs: the values of `extensions.code`. `docs/errors.md` says what to do about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::ErrorCode")]
pub(crate) enum ErrorCode {
    /// No value was sent where one is needed, or no token has this value.
    Unauthenticated,
    /// The token's `expiresAt` has passed.
    TokenExpired,
    /// The token was revoked, which is final.
    TokenRevoked,
    /// The token is suspended, until it is resumed.
    TokenSuspended,
    /// The token's `notBefore` has not come yet.
    NotYetValid,
    /// The token was not rotated within its rotation period.
    RotationOverdue,
    /// The value was replaced and its overlap is over, or it was cancelled unused.
    ValueRetired,
    /// The previous value fails for some seconds, because the rotation asked for brown-outs.
    BrownOut,
    /// The previous value tried to rotate although the new one has been used.
    ValueSuperseded,
    /// Another request rotated the token just now.
    RotationConflict,
    /// The key was used for a rotation with another input.
    IdempotencyKeyReused,
    /// The value that would be retired is in use.
    StillInUse,
    /// The token is protected from revocation and suspension.
    TokenProtected,
    /// The token may not be used from this address.
    AddressRefused,
    /// The token may not be used from this web origin, or no `Origin` was sent.
    OriginRefused,
    /// The caller lacks a permission or scope, or a public token tried to rotate itself.
    Forbidden,
    /// Nothing has this id, or nothing is at this address.
    NotFound,
    /// The request, or the named field, is invalid.
    BadUserInput,
    /// The document is not valid GraphQL syntax.
    GraphqlParseFailed,
    /// The document does not fit the schema, or exceeds a limit.
    GraphqlValidationFailed,
    /// No document with this hash was sent before, or it is no longer cached.
    PersistedQueryNotFound,
    /// The token has reached its limit of event streams and WebSockets.
    RateLimited,
    /// The database cannot do this now, or the operation timed out. Try again after `retryAfterSeconds`.
    Unavailable,
    /// The server failed.
    Internal,
}
