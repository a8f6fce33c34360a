//! Errors as the REST endpoints tell them: one flat object, with the status and headers of every other endpoint.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Response;
use axum::response::IntoResponse;
use serde_json::{Map, Value};
use utoipa::openapi::{
    Content, Header, ObjectBuilder, Ref, RefOr, Response as ResponseObject, ResponseBuilder, schema::Type,
};
use utoipa::{IntoResponses, ToSchema};

use crate::http::rejection::Rejection;
use crate::service::ErrorCode;

/// A rejection whose body is `{"message", "code"}` and what else helps to mend it.
#[derive(Debug)]
pub(in crate::http) struct RestRejection(Rejection);

impl<T: Into<Rejection>> From<T> for RestRejection {
    fn from(rejection: T) -> Self {
        Self(rejection.into())
    }
}

impl IntoResponse for RestRejection {
    fn into_response(self) -> Response<Body> {
        self.0.respond(|message, more| {
            Value::Object(Map::from_iter([("message".to_owned(), Value::String(message))].into_iter().chain(more)))
        })
    }
}

/// What every error answers.
#[derive(ToSchema)]
#[schema(as = Error, rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape for the document; the body itself is written by `Rejection::respond`")]
pub(super) struct ErrorBody {
    /// For people: what is wrong and what to do.
    message: String,
    /// For programs.
    code: ErrorCode,
    /// The field or the parameter at fault.
    field: Option<String>,
    /// After how many seconds the same request may succeed.
    retry_after_seconds: Option<u32>,
}

/// What may be wrong with any request.
pub(super) struct CommonErrors;
/// What may be wrong with a body.
pub(super) struct BodyErrors;
/// What may be wrong with an id, be it in the path or in the body.
pub(super) struct IdErrors;
/// What may stand against reading the description.
pub(super) struct SchemaErrors;
/// What may stand against a rotation.
pub(super) struct RotationErrors;
/// What may stand against a revocation.
pub(super) struct RevocationErrors;

type Responses = BTreeMap<String, RefOr<ResponseObject>>;

impl IntoResponses for CommonErrors {
    fn responses() -> Responses {
        Responses::from_iter([
            error(400, "The request, or the named field, is invalid.", None),
            error(
                401,
                "No value was sent, or it no longer works.",
                Some(("WWW-Authenticate", Type::String, "What to send (RFC 6750).")),
            ),
            error(403, "The caller lacks a permission or scope, or may not call from here.", None),
            error(500, "The server failed; its log says why, under the `X-Request-Id` of the answer.", None),
            error(503, "The database cannot be reached. Try again soon.", Some(RETRY_AFTER)),
        ])
    }
}

impl IntoResponses for BodyErrors {
    fn responses() -> Responses {
        Responses::from_iter([
            error(408, "The body did not arrive in time.", None),
            error(413, "The body is larger than this server reads.", None),
            error(415, "A body was sent that is not `application/json`.", None),
        ])
    }
}

impl IntoResponses for IdErrors {
    fn responses() -> Responses {
        Responses::from_iter([error(404, "No API token has this id.", None)])
    }
}

impl IntoResponses for SchemaErrors {
    fn responses() -> Responses {
        Responses::from_iter([error(404, "The operator does not show it.", None)])
    }
}

impl IntoResponses for RotationErrors {
    fn responses() -> Responses {
        let conflict = "Another request rotated the API token just now, or a newer value is already in use.";
        Responses::from_iter([
            error(409, conflict, Some(RETRY_AFTER)),
            error(422, "The idempotency key was used for a rotation with another input.", None),
        ])
    }
}

impl IntoResponses for RevocationErrors {
    fn responses() -> Responses {
        Responses::from_iter([error(409, "The API token is protected.", None)])
    }
}

type HeaderRow = (&'static str, Type, &'static str);

const RETRY_AFTER: HeaderRow = ("Retry-After", Type::Integer, "After how many seconds the same request may succeed.");

fn error(status: u16, description: &str, header: Option<HeaderRow>) -> (String, RefOr<ResponseObject>) {
    let content = Content::new(Some(Ref::from_schema_name(ErrorBody::name())));
    let response = ResponseBuilder::new().description(description).content("application/json", content);
    let response = match header {
        Some((name, kind, meaning)) => {
            let mut header = Header::new(ObjectBuilder::new().schema_type(kind));
            header.description = Some(meaning.to_owned());
            response.header(name, header)
        }
        None => response,
    };
    (status.to_string(), response.build().into())
}
