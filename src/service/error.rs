//! The errors of the use cases.

use crate::domain::error_code::ErrorCode;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::refusal::Refusal;
use crate::entropy::EntropyError;
use crate::store;

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
    #[error("The server cannot use its database at the moment. Try again soon.")]
    Unavailable(#[source] store::Error),
    /// A listing would take longer than one may. The cause is for the log.
    #[error(
        "This listing took too long and was cancelled. Narrow it: filter by owner, status or kind, or by a longer part of the name."
    )]
    ListingTooSlow(#[source] store::Error),
    /// As many listings are running as may run at once.
    #[error("Too many listings are running. Try again soon; narrower filters make each of them shorter.")]
    TooManyListings,
    /// What was committed may not have been heard.
    #[error(
        "Events may have been missed, because the server lost contact with its database. Subscribe again; the query auditEvents lists them."
    )]
    OutOfContact,
    /// A subscriber did not take events as fast as they came.
    #[error(
        "Events were missed, because the client did not read them fast enough. Subscribe again; the query auditEvents lists them."
    )]
    EventsMissed,
    /// The token has as many event streams and sockets as it may have.
    #[error(
        "This API token has {max_per_token} event streams and sockets, which is the most it may have. Close one first."
    )]
    TooManyStreams {
        /// How many a token may have.
        max_per_token: u32,
    },
    /// All tokens together have as many event streams and sockets as there may be.
    #[error("The server has reached its limit of event streams and sockets. Try again later.")]
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
            Self::Refused(refusal) => refusal.code(),
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::Invalid(_) => ErrorCode::BadUserInput,
            Self::TooManyStreams { .. } => ErrorCode::RateLimited,
            Self::Unavailable(_)
            | Self::ListingTooSlow(_)
            | Self::TooManyListings
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
            store::Error::TooManyListings => Self::TooManyListings,
            _ => Self::Internal(Box::new(err)),
        }
    }
}

impl From<EntropyError> for Error {
    fn from(err: EntropyError) -> Self {
        Self::Internal(Box::new(err))
    }
}
