//! Error responses: the one place where an error code becomes an HTTP status, and where a body without data is built.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use crate::domain::refusal::Refusal;
use crate::domain::rule::lifecycle::Standing;
use crate::domain::rule::lifecycle::brown_out::BrownOut;
use crate::domain::rule::lifecycle::due_soon::Warnings;
use crate::domain::text::quote;
use crate::graphql::{PublicError, log_and_describe};
use crate::service::{self, Caller, ErrorCode};

use super::caller::warning_headers;

/// The `WWW-Authenticate` challenge of a 401 (RFC 6750, section 3).
const CHALLENGE: &str = r#"Bearer realm="rotakey""#;
const CHALLENGE_INVALID: &str = r#"Bearer realm="rotakey", error="invalid_token""#;

/// The HTTP status of a code.
fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Unauthenticated
        | ErrorCode::TokenExpired
        | ErrorCode::TokenRevoked
        | ErrorCode::TokenSuspended
        | ErrorCode::NotYetValid
        | ErrorCode::RotationOverdue
        | ErrorCode::ValueRetired
        | ErrorCode::BrownOut => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden | ErrorCode::AddressRefused | ErrorCode::OriginRefused => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::BadUserInput
        | ErrorCode::GraphqlParseFailed
        | ErrorCode::GraphqlValidationFailed
        | ErrorCode::PersistedQueryNotFound => StatusCode::BAD_REQUEST,
        ErrorCode::RotationConflict
        | ErrorCode::ValueSuperseded
        | ErrorCode::StillInUse
        | ErrorCode::TokenProtected => StatusCode::CONFLICT,
        ErrorCode::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A request that is answered with an error: a status, and a body with one error in GraphQL's format. REST endpoints use a format of
/// their own (`RestRejection`).
#[derive(Debug)]
pub(super) struct Rejection {
    status: StatusCode,
    error: PublicError,
    challenge: &'static str,
    /// Those of the credential, if it works, or fails only for some seconds.
    warnings: Option<Box<Warnings>>,
}

impl Rejection {
    /// A rejection with the status of its code.
    pub(super) fn new(code: ErrorCode, message: &str) -> Self {
        PublicError::new(code, message).into()
    }

    /// An invalid field or parameter.
    pub(super) fn field(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        PublicError { field: Some(field.into()), ..PublicError::new(ErrorCode::BadUserInput, message) }.into()
    }

    /// A repeated field or parameter. Some parsers take the first and others the last, so one program could check another value than the
    /// one that the next program uses.
    pub(super) fn repeated(what: &str, name: &str) -> Self {
        let quoted = quote(name);
        let unquoted = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted);
        // Quotes only where the client's name could be taken for words of the message. OAuth does not allow them in a message (RFC 6749,
        // section 5.2).
        let is_plain =
            !unquoted.is_empty() && unquoted.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let shown = if is_plain { unquoted } else { &quoted };
        let message = format!("The {what} {shown} is given more than once. Give it once.");
        Self::field(unquoted.to_owned(), message)
    }

    /// Like [`Rejection::new`], where HTTP has a more specific status than that of the code.
    pub(super) fn with_status(status: StatusCode, code: ErrorCode, message: &str) -> Self {
        Self { status, ..Self::new(code, message) }
    }

    /// The same rejection with another message.
    pub(super) fn with_message(self, message: String) -> Self {
        Self { error: PublicError { message, ..self.error }, ..self }
    }

    /// The same rejection with one more sentence in its message.
    pub(super) fn with_sentence(self, sentence: &str) -> Self {
        let message = format!("{} {sentence}", self.error.message);
        self.with_message(message)
    }

    /// The same rejection, whose message begins with these words.
    pub(super) fn with_beginning(self, words: &str) -> Self {
        let message = format!("{words} {}", self.error.message);
        self.with_message(message)
    }

    /// The same rejection, with headers that warn the caller of a rotation.
    pub(super) fn with_warnings_for(self, caller: Option<&Caller>) -> Self {
        Self { warnings: caller.map(|caller| Box::new(caller.warnings())), ..self }
    }

    /// The message, and the invalid field, if it is one.
    pub(super) fn into_message_and_field(self) -> (String, Option<Cow<'static, str>>) {
        (self.error.message, self.error.field)
    }

    /// Only the body, for a response that contains several.
    pub(super) fn into_body(self) -> Value {
        let (message, extensions) = message_and_extensions(self.error);
        graphql_body(message, extensions)
    }

    /// The code of the error.
    pub(super) fn code(&self) -> ErrorCode {
        self.error.code
    }

    /// The status of the response.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The response, with the body that `body` builds from the message and the extensions.
    pub(super) fn respond(self, body: impl FnOnce(String, Map<String, Value>) -> Value) -> Response<Body> {
        let (code, retry_after_seconds) = (self.error.code, self.error.retry_after_seconds);
        let (message, extensions) = message_and_extensions(self.error);
        let mut response = Response::new(Body::from(body(message, extensions).to_string()));
        *response.status_mut() = self.status;
        // For the request log.
        response.extensions_mut().insert(code);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(self.challenge));
        }
        if let Some(seconds) = retry_after_seconds {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        warning_headers::warn(headers, self.warnings.as_deref().copied());
        response
    }
}

impl From<service::Error> for Rejection {
    fn from(err: service::Error) -> Self {
        // Without a credential, the challenge has no error code (RFC 6750, section 3.1).
        let challenge = if matches!(err, service::Error::Anonymous) { CHALLENGE } else { CHALLENGE_INVALID };
        let warnings = match &err {
            service::Error::Refused(Refusal::BrownOut(BrownOut { replaced_at, retires_at, .. })) => {
                let (replaced_at, retires_at) = (*replaced_at, Some(*retires_at));
                let standing = Standing::Previous { replaced_at, retires_at };
                Some(Box::new(Warnings { standing, rotate_soon_by: None }))
            }
            _ => None,
        };
        Self { challenge, warnings, ..log_and_describe(&err).into() }
    }
}

impl From<PublicError> for Rejection {
    fn from(error: PublicError) -> Self {
        Self { status: status(error.code), challenge: CHALLENGE_INVALID, error, warnings: None }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response<Body> {
        self.respond(graphql_body)
    }
}

fn message_and_extensions(error: PublicError) -> (String, Map<String, Value>) {
    let details = error.details();
    let PublicError { message, code, field, retry_after_seconds, still_in_use: _ } = error;
    let mut extensions = Map::from_iter([("code".to_owned(), Value::from(code.as_str()))]);
    extensions.extend(field.map(|field| ("field".to_owned(), field.into())));
    extensions.extend(retry_after_seconds.map(|seconds| ("retryAfterSeconds".to_owned(), seconds.into())));
    extensions.extend(details.into_iter().map(|(name, detail)| (name.to_owned(), detail)));
    (message, extensions)
}

fn graphql_body(message: String, extensions: Map<String, Value>) -> Value {
    json!({ "errors": [{ "message": message, "extensions": extensions }] })
}

/// The response to a request whose handler panicked.
pub(super) fn panicked() -> Response<Body> {
    tracing::error!(name: "handler_panicked", "a request handler panicked");
    let message = "The server failed to do this. Its log says why, under the request id of this answer.";
    Rejection::new(ErrorCode::Internal, message).into_response()
}
