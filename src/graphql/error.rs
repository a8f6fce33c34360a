//! How an error of a use case looks in GraphQL: a fixed message, `extensions.code`, and what else helps to mend it.

use std::borrow::Cow;

use async_graphql::{Error, ErrorExtensionValues};

use crate::domain::value::redact;
use crate::service;
use crate::service::ErrorCode;

/// The extension that says after how many seconds the same request may succeed.
pub(crate) const RETRY_AFTER_SECONDS: &str = "retryAfterSeconds";

/// The longest text, in characters: what a client sent comes back no longer than this.
const MAX_MESSAGE_LENGTH: usize = 500;

/// What a client is told of an error, whatever endpoint it came by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicError {
    /// For people: what is wrong and what to do.
    pub message: String,
    /// For programs.
    pub code: ErrorCode,
    /// The input field at fault.
    pub field: Option<Cow<'static, str>>,
    /// After how many seconds the same request may succeed.
    pub retry_after_seconds: Option<u32>,
}

/// What a client is told of this error. Its cause, if it is ours, goes to the log here and nowhere else.
pub fn log_and_describe(err: &service::Error) -> PublicError {
    match err {
        service::Error::Unavailable(cause) => tracing::warn!(%cause, "database unavailable"),
        service::Error::ListingTooSlow(cause) => tracing::warn!(%cause, "listing given up"),
        service::Error::TooManyListings => tracing::warn!("too many listings are running"),
        service::Error::Internal(cause) => tracing::error!(%cause, "internal error"),
        _ => {}
    }
    PublicError {
        message: err.to_string(),
        code: err.code(),
        field: err.field().map(Cow::Borrowed),
        retry_after_seconds: err.retry_after_seconds(),
    }
}

impl PublicError {
    /// An error that no use case returned.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        // Some messages name what the client sent, which may hold a value (R9).
        Self {
            message: redact_and_truncate(&message.into()),
            code,
            field: None,
            retry_after_seconds: code.retry_after_seconds(),
        }
    }

    pub(crate) fn extensions(&self) -> ErrorExtensionValues {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code.as_str());
        if let Some(field) = self.field.as_deref() {
            extensions.set("field", field);
        }
        if let Some(seconds) = self.retry_after_seconds {
            extensions.set(RETRY_AFTER_SECONDS, seconds);
        }
        extensions
    }
}

/// A text that may quote what a client sent, as it may be told: without a value (R9), and not at any length.
pub(crate) fn redact_and_truncate(text: &str) -> String {
    let mut text = redact(text).into_owned();
    if let Some((end, _)) = text.char_indices().nth(MAX_MESSAGE_LENGTH) {
        text.truncate(end);
        text.push('…');
    }
    text
}

pub(crate) fn refuse(err: service::Error) -> Error {
    let public = log_and_describe(&err);
    let mut error = Error::new(&public.message);
    error.extensions = Some(public.extensions());
    error
}
