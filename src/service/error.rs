//! The errors of the use cases.

use crate::domain::error_code::ErrorCode;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::refusal::Refusal;
use crate::entropy::EntropyError;
use crate::store;

use super::value_use::StillInUse;

/// Why a use case failed. A refused operation was not done. After a failure, it is unknown whether the operation was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No credential was sent where one is needed.
    #[error("This needs an API token. Send its value as X-API-Key, or as Authorization: Bearer.")]
    Anonymous,
    /// A credential was sent that is the value of no token.
    #[error("No API token has this value. Send the whole value, as X-API-Key or as Authorization: Bearer.")]
    Unauthenticated,
    /// A rule refused it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No token has this id.
    #[error("No API token has this id.")]
    NotFound {
        /// The input field that holds the id, as the schema spells it.
        field: &'static str,
    },
    /// No campaign has this id.
    #[error("No rotation campaign has this id.")]
    NoSuchCampaign,
    /// No webhook has this id.
    #[error("No webhook has this id.")]
    NoWebhook {
        /// The input field that holds the id, as the schema spells it.
        field: &'static str,
    },
    /// No delivery has this id.
    #[error("No delivery has this id. Deliveries are deleted some days after they end.")]
    NoDelivery {
        /// The input field that holds the id, as the schema spells it.
        field: &'static str,
    },
    /// No mail digest has this id.
    #[error("No mail digest has this id.")]
    NoMailDigest {
        /// The input field that holds the id, as the schema spells it.
        field: &'static str,
    },
    /// A value that would be cut off is in use, and that was not forced (R15).
    #[error("{0}")]
    StillInUse(Box<StillInUse>),
    /// A field is invalid.
    #[error(transparent)]
    Invalid(#[from] InvalidInput),
    /// The database cannot be reached, or cannot do this at the moment. The cause is for the log.
    #[error("The server cannot use its database at the moment. Try again soon.")]
    Unavailable(#[source] store::Error),
    /// The listing exceeded its limit. The cause is for the log.
    #[error(
        "This listing took too long and was cancelled. Narrow it: filter by owner, status or kind, or by a longer part of the name."
    )]
    ListingTooSlow(#[source] store::Error),
    /// The maximum number of listings is running.
    #[error("Too many listings are running. Try again soon; narrower filters make each of them shorter.")]
    TooManyListings,
    /// Too many texts were presented that have the form of a foreign value, and are none.
    #[error("Too many unknown values are being presented, so this one was not looked for. Try again soon.")]
    TooManyUnknownValues,
    /// The tokens have not been counted yet.
    #[error("The tokens are being counted, which takes long. Try again later.")]
    NotCounted,
    /// Contact with the database was lost, so events may have been missed.
    #[error(
        "Events may have been missed, because the server lost contact with its database. Subscribe again; the query auditEvents lists them."
    )]
    OutOfContact,
    /// A subscriber did not read events fast enough.
    #[error(
        "Events were missed, because the client did not read them fast enough. Subscribe again; the query auditEvents lists them."
    )]
    EventsMissed,
    /// The token has the maximum number of event streams and sockets.
    #[error(
        "This API token has {max_per_token} event streams and sockets, which is the most it may have. Close one first."
    )]
    TooManyStreams {
        /// How many a token may have.
        max_per_token: u32,
    },
    /// All tokens together have the maximum number of event streams and sockets.
    #[error("The server has reached its limit of event streams and sockets. Try again later.")]
    NoMoreStreams,
    /// The server failed. The cause is for the log.
    #[error("The server failed to do this. Its log says why, under the request id of this answer.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The error code, for programs.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Anonymous | Self::Unauthenticated => ErrorCode::Unauthenticated,
            Self::Refused(refusal) => refusal.code(),
            Self::NotFound { .. }
            | Self::NoSuchCampaign
            | Self::NoWebhook { .. }
            | Self::NoDelivery { .. }
            | Self::NoMailDigest { .. } => ErrorCode::NotFound,
            Self::StillInUse(_) => ErrorCode::StillInUse,
            Self::Invalid(_) => ErrorCode::BadUserInput,
            Self::TooManyStreams { .. } => ErrorCode::RateLimited,
            Self::Unavailable(_)
            | Self::ListingTooSlow(_)
            | Self::TooManyListings
            | Self::TooManyUnknownValues
            | Self::NotCounted
            | Self::OutOfContact
            | Self::EventsMissed
            | Self::NoMoreStreams => ErrorCode::Unavailable,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// What went wrong, for the log: the cause behind the message for clients, if there is one.
    pub fn cause(&self) -> &dyn std::error::Error {
        std::error::Error::source(self).unwrap_or(self)
    }

    /// The invalid input field, as the schema spells it.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid(invalid) => Some(invalid.field),
            Self::NoSuchCampaign => Some("id"),
            Self::NotFound { field }
            | Self::NoWebhook { field }
            | Self::NoDelivery { field }
            | Self::NoMailDigest { field } => Some(field),
            _ => None,
        }
    }

    /// The same error for a rotation whose idempotency key came in the header `Idempotency-Key`.
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
            Self::Refused(Refusal::BrownOut(brown_out)) => Some(brown_out.retry_after_seconds),
            Self::StillInUse(refused) => Some(refused.retry_after_seconds),
            // The permit of a stream that its client has closed is free once the server notices.
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
