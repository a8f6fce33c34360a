//! Answers that are errors: the one place where a code becomes a status, and where bodies without data are made.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use crate::graphql::{Failure, describe};
use crate::service;
use crate::service::ErrorCode;

/// What a client without a good credential is asked for (RFC 6750, section 3).
const CHALLENGE: HeaderValue = HeaderValue::from_static(r#"Bearer realm="rotakey""#);
const CHALLENGE_INVALID: HeaderValue = HeaderValue::from_static(r#"Bearer realm="rotakey", error="invalid_token""#);

/// The status that says the same as a code.
fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Unauthenticated
        | ErrorCode::TokenExpired
        | ErrorCode::TokenRevoked
        | ErrorCode::RotationOverdue
        | ErrorCode::ValueRetired => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden | ErrorCode::AddressRefused | ErrorCode::OriginRefused => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::BadUserInput | ErrorCode::GraphqlParseFailed | ErrorCode::GraphqlValidationFailed => {
            StatusCode::BAD_REQUEST
        }
        ErrorCode::RotationConflict | ErrorCode::ValueSuperseded | ErrorCode::TokenProtected => StatusCode::CONFLICT,
        ErrorCode::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A request that ends here: a status, and a body with one error as GraphQL shapes it.
#[derive(Debug)]
pub(super) struct Rejection {
    status: StatusCode,
    failure: Failure,
    challenge: HeaderValue,
}

impl Rejection {
    /// A rejection with the status that says the same as its code.
    pub(super) fn new(code: ErrorCode, message: &str) -> Self {
        Self { status: status(code), failure: Failure::new(code, message), challenge: CHALLENGE_INVALID }
    }

    /// As [`Rejection::new`], for the cases in which HTTP has a more exact status.
    pub(super) fn with_status(status: StatusCode, code: ErrorCode, message: &str) -> Self {
        Self { status, ..Self::new(code, message) }
    }
}

impl From<service::Error> for Rejection {
    fn from(err: service::Error) -> Self {
        let failure = describe(&err);
        let challenge = if matches!(err, service::Error::Anonymous) { CHALLENGE } else { CHALLENGE_INVALID };
        Self { status: status(failure.code), failure, challenge }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response<Body> {
        let Failure { message, code, field, retry_after_seconds } = self.failure;
        let mut extensions = Map::from_iter([("code".to_owned(), Value::from(code.as_str()))]);
        extensions.extend(field.map(|field| ("field".to_owned(), field.into())));
        extensions.extend(retry_after_seconds.map(|seconds| ("retryAfterSeconds".to_owned(), seconds.into())));
        let body = json!({ "errors": [{ "message": message, "extensions": extensions }] });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, self.challenge);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The answer to a request in whose handling something panicked.
pub(super) fn panicked() -> Response<Body> {
    tracing::error!("a request handler panicked");
    let message = "The server failed to do this. Its log says why, under the request id of this answer.";
    Rejection::new(ErrorCode::Internal, message).into_response()
}
