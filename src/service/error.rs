//! The errors of the use cases and the one list of their codes. `docs/errors.md` has a paragraph for each; a test compares.

use crate::domain::input::InvalidInput;
use crate::domain::refusal::Refusal;
use crate::entropy::EntropyError;
use crate::store;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// What an error is, for programs: `extensions.code`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as clients see it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The code of this name.
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

/// After how many seconds to try again what the database could not do just now. A failover takes longer, but nobody knows how
/// long, and to be asked once a second by each client costs little.
const RETRY_UNAVAILABLE_SECONDS: u32 = 1;

impl ErrorCode {
    /// After how many whole seconds the same request may succeed, where the code alone says that it may.
    pub fn retry_after_seconds(self) -> Option<u32> {
        (self == Self::Unavailable).then_some(RETRY_UNAVAILABLE_SECONDS)
    }
}

error_codes! {
    /// No value, or one that no token has.
    Unauthenticated => "UNAUTHENTICATED",
    /// See [`Refusal::TokenExpired`].
    TokenExpired => "TOKEN_EXPIRED",
    /// See [`Refusal::TokenRevoked`].
    TokenRevoked => "TOKEN_REVOKED",
    /// See [`Refusal::RotationOverdue`].
    RotationOverdue => "ROTATION_OVERDUE",
    /// See [`Refusal::ValueRetired`].
    ValueRetired => "VALUE_RETIRED",
    /// See [`Refusal::ValueSuperseded`].
    ValueSuperseded => "VALUE_SUPERSEDED",
    /// See [`Refusal::RotationConflict`].
    RotationConflict => "ROTATION_CONFLICT",
    /// See [`Refusal::IdempotencyKeyReused`].
    IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
    /// See [`Refusal::TokenProtected`].
    TokenProtected => "TOKEN_PROTECTED",
    /// See [`Refusal::AddressRefused`].
    AddressRefused => "ADDRESS_REFUSED",
    /// See [`Refusal::OriginRefused`].
    OriginRefused => "ORIGIN_REFUSED",
    /// See [`Refusal::Forbidden`].
    Forbidden => "FORBIDDEN",
    /// Nothing has this id or address.
    NotFound => "NOT_FOUND",
    /// The request or one of its fields is not as it must be.
    BadUserInput => "BAD_USER_INPUT",
    /// The document is not GraphQL.
    GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
    /// The document does not fit the schema.
    GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
    /// No document of this hash was sent before.
    PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
    /// The token has as many event streams and sockets as it may.
    RateLimited => "RATE_LIMITED",
    /// The database cannot be reached or cannot do this just now; the same request may succeed later.
    Unavailable => "UNAVAILABLE",
    /// A fault of the server; the log has its cause.
    Internal => "INTERNAL",
}

/// Why a use case was not carried out. What was refused was not done; whether what failed was, is not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No credential was sent where one is needed.
    #[error("This needs an API token. Send its value as X-API-Key, or as Authorization: Bearer.")]
    Anonymous,
    /// A credential was sent that is the value of no token.
    #[error("No API token has this value. Send the whole value, as X-API-Key or as Authorization: Bearer.")]
    Unauthenticated,
    /// A rule said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing has the id asked for.
    #[error("No API token has this id.")]
    NotFound {
        /// The input field that holds the id, as the schema spells it.
        field: &'static str,
    },
    /// A field is not as it must be.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// The database cannot be reached, or cannot do this just now. The cause is for the log.
    #[error("The service cannot use its database just now. Try again soon.")]
    Unavailable(#[source] store::Error),
    /// A listing would take longer than one may. The cause is for the log.
    #[error(
        "This listing takes too long, so it was given up. Narrow it: filter by owner, status or kind, or by a longer part of the name."
    )]
    ListingTooSlow(#[source] store::Error),
    /// What was committed may not have been heard.
    #[error(
        "Events may have been missed, because the server lost contact with its database. Subscribe again; the query auditEvents lists them."
    )]
    OutOfContact,
    /// A subscriber did not take events as fast as they came.
    #[error(
        "Events were missed, because they were not taken as fast as they came. Subscribe again; the query auditEvents lists them."
    )]
    EventsMissed,
    /// The token has as many event streams and sockets as it may.
    #[error(
        "This API token has {max_per_token} event streams and sockets, which is the most it may have. End one first."
    )]
    TooManyStreams {
        /// How many a token may have.
        max_per_token: u32,
    },
    /// All tokens together have as many event streams and sockets as there may be.
    #[error("There are as many event streams and sockets as the server serves. Try again later.")]
    NoMoreStreams,
    /// A fault of ours. The cause is for the log.
    #[error("The server failed to do this. Its log says why, under the request id of this answer.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// What the error is, for programs.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Anonymous | Self::Unauthenticated => ErrorCode::Unauthenticated,
            Self::Refused(refusal) => match refusal {
                Refusal::TokenExpired => ErrorCode::TokenExpired,
                Refusal::TokenRevoked => ErrorCode::TokenRevoked,
                Refusal::RotationOverdue => ErrorCode::RotationOverdue,
                Refusal::ValueRetired => ErrorCode::ValueRetired,
                Refusal::ValueSuperseded => ErrorCode::ValueSuperseded,
                Refusal::RotationConflict { .. } => ErrorCode::RotationConflict,
                Refusal::IdempotencyKeyReused => ErrorCode::IdempotencyKeyReused,
                Refusal::NoRotationPeriod => ErrorCode::BadUserInput,
                Refusal::TokenProtected => ErrorCode::TokenProtected,
                Refusal::AddressRefused => ErrorCode::AddressRefused,
                Refusal::OriginRefused => ErrorCode::OriginRefused,
                Refusal::Forbidden(_) => ErrorCode::Forbidden,
            },
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::Invalid(_) => ErrorCode::BadUserInput,
            Self::TooManyStreams { .. } => ErrorCode::RateLimited,
            Self::Unavailable(_)
            | Self::ListingTooSlow(_)
            | Self::OutOfContact
            | Self::EventsMissed
            | Self::NoMoreStreams => ErrorCode::Unavailable,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// The input field at fault, as the schema spells it.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid(invalid) => Some(invalid.field),
            Self::NotFound { field } => Some(field),
            _ => None,
        }
    }

    /// The same error of a rotation whose idempotency key came in a header, which has a name of its own.
    #[must_use]
    pub fn of_header_key(self) -> Self {
        match self {
            Self::Invalid(invalid) if invalid.field == "idempotencyKey" => {
                Self::Invalid(InvalidInput { field: "Idempotency-Key", ..invalid })
            }
            other => other,
        }
    }

    /// After how many whole seconds the same request may succeed.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Self::Refused(Refusal::RotationConflict { retry_after_seconds }) => Some(*retry_after_seconds),
            // The place of a stream that its client has closed is free once that is noticed.
            Self::TooManyStreams { .. } => Some(2),
            _ => self.code().retry_after_seconds(),
        }
    }
}

impl From<store::Error> for Error {
    fn from(err: store::Error) -> Self {
        match err {
            store::Error::Unavailable(_) => Self::Unavailable(err),
            store::Error::TooSlow(_) => Self::ListingTooSlow(err),
            _ => Self::Internal(Box::new(err)),
        }
    }
}

impl From<EntropyError> for Error {
    fn from(err: EntropyError) -> Self {
        Self::Internal(Box::new(err))
    }
}
