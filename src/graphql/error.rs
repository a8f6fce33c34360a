//! Errors as clients see them: a fixed message, a code and, where they help, a field and a time to wait.

use std::borrow::Cow;

use async_graphql::{Error, ErrorExtensionValues};
use serde_json::{Value, json};

use crate::domain::value::redact;
use crate::domain::value_use::{User, UserUse};
use crate::service;
use crate::service::{ErrorCode, NamedUsers, StillInUse};

/// The extension that says after how many seconds the same request may succeed.
pub(crate) const RETRY_AFTER_SECONDS: &str = "retryAfterSeconds";

/// The longest message or field, in characters, because they may quote what a client sent.
const MAX_MESSAGE_LENGTH: usize = 500;

/// An error as clients see it, at whichever endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicError {
    /// What is wrong and what to do, for people.
    pub message: String,
    /// What is wrong, for programs.
    pub code: ErrorCode,
    /// The invalid input field.
    pub field: Option<Cow<'static, str>>,
    /// After how many seconds the same request may succeed.
    pub retry_after_seconds: Option<u32>,
    /// The use of the value that would have been retired.
    pub still_in_use: Option<Box<StillInUse>>,
}

/// The error as clients see it. If the cause is not the client's, it is logged here and nowhere else.
pub fn log_and_describe(err: &service::Error) -> PublicError {
    match err {
        service::Error::Unavailable(cause) => {
            tracing::warn!(name: "database_unavailable", %cause, "database unavailable")
        }
        service::Error::ListingTooSlow(cause) => tracing::warn!(name: "listing_timed_out", %cause, "listing timed out"),
        service::Error::TooManyListings => {
            tracing::warn!(name: "listings_limit_reached", "too many listings are running")
        }
        service::Error::Internal(cause) => tracing::error!(name: "internal_error", %cause, "internal error"),
        _ => {}
    }
    PublicError {
        message: err.to_string(),
        code: err.code(),
        field: err.field().map(Cow::Borrowed),
        retry_after_seconds: err.retry_after_seconds(),
        still_in_use: if let service::Error::StillInUse(refused) = err { Some(refused.clone()) } else { None },
    }
}

impl PublicError {
    /// An error that does not come from a use case.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        // Some messages quote what the client sent, which may contain a value (R9).
        Self {
            message: redact_and_truncate(&message.into()),
            code,
            field: None,
            retry_after_seconds: code.retry_after_seconds(),
            still_in_use: None,
        }
    }

    /// What else the error says, each under the name of its extension.
    pub fn details(&self) -> Vec<(&'static str, Value)> {
        let Some(StillInUse { in_use, users, .. }) = self.still_in_use.as_deref() else { return Vec::new() };
        let mut details = vec![("lastUsedAt", in_use.last_used_at.to_string().into())];
        if let Some(NamedUsers { users, other_user_count }) = users {
            let user = |(User { address, user_agent }, used): &(User, UserUse)| {
                let last_seen_at = used.last_seen_at.to_string();
                json!({ "address": address, "userAgent": user_agent, "lastSeenAt": last_seen_at })
            };
            details.push(("users", users.iter().map(user).collect()));
            details.push(("otherUserCount", (*other_user_count).into()));
        }
        details
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
        for (name, detail) in self.details() {
            // This cannot fail: every JSON value is one of GraphQL.
            if let Ok(detail) = async_graphql::Value::from_json(detail) {
                extensions.set(name, detail);
            }
        }
        extensions
    }
}

/// A text that may quote what a client sent, without values (R9) and limited in length.
pub(crate) fn redact_and_truncate(text: &str) -> String {
    let mut text = redact(text).into_owned();
    if let Some((end, _)) = text.char_indices().nth(MAX_MESSAGE_LENGTH) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The error of a resolver.
pub(crate) fn refuse(err: service::Error) -> Error {
    let public = log_and_describe(&err);
    let mut error = Error::new(&public.message);
    error.extensions = Some(public.extensions());
    error
}
