//! Errors of the REST endpoints: one flat object, with the same status and headers as at all other endpoints.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Response;
use axum::response::IntoResponse;
use serde_json::{Map, Value};
use utoipa::openapi::{
    Content, Header, ObjectBuilder, Ref, RefOr, Response as ResponseObject, ResponseBuilder, schema::Type,
};
use utoipa::{IntoResponses, ToSchema};

use crate::domain::timestamp::Timestamp;
use crate::http::rejection::Rejection;
use crate::service::ErrorCode;

/// A rejection whose body is `{"message", "code"}`, plus `field` and `retryAfterSeconds` where they apply.
#[derive(Debug)]
pub(in crate::http) struct RestRejection(Rejection);

impl<T: Into<Rejection>> From<T> for RestRejection {
    fn from(rejection: T) -> Self {
        Self(rejection.into())
    }
}

impl IntoResponse for RestRejection {
    fn into_response(self) -> Response<Body> {
        self.0.respond(|message, extensions| {
            Value::Object(Map::from_iter(
                [("message".to_owned(), Value::String(message))].into_iter().chain(extensions),
            ))
        })
    }
}

/// The body of every error.
#[derive(ToSchema)]
#[schema(as = Error, rename_all = "camelCase")]
#[expect(dead_code, reason = "the shape for the document; the body itself is written by `Rejection::respond`")]
pub(super) struct ErrorBody {
    /// What is wrong and what to do, for people.
    message: String,
    /// What is wrong, for programs.
    code: ErrorCode,
    /// The invalid field or parameter.
    field: Option<String>,
    /// After how many seconds the same request may succeed.
    retry_after_seconds: Option<u32>,
    /// With `STILL_IN_USE`: the last use of the value.
    #[schema(value_type = Option<Timestamp>)]
    last_used_at: Option<String>,
    /// With `STILL_IN_USE`, if the caller may know them: up to three of its users of the last 24 hours, those that were seen last first.
    users: Option<Vec<NamedUser>>,
    /// With `users`: how many others there are.
    other_user_count: Option<u32>,
}

/// A user of a value that is in use.
#[derive(ToSchema)]
#[schema(as = ErrorUser, rename_all = "camelCase")]
#[expect(dead_code, reason = "as that of the whole body")]
struct NamedUser {
    /// Its address, or the block of addresses that it is in.
    #[schema(required)]
    address: Option<String>,
    /// The product name of its user agent.
    #[schema(required)]
    user_agent: Option<String>,
    /// Its last use of the value.
    #[schema(value_type = Timestamp)]
    last_seen_at: String,
}

/// The errors of any request.
pub(super) struct CommonErrors;
/// The errors of a request body.
pub(super) struct BodyErrors;
/// The errors of a token id in the path or the body.
pub(super) struct IdErrors;
/// The errors of the id of a rotation campaign, or of an API token in a filter.
pub(super) struct CampaignErrors;
/// The errors of the id of a webhook or a delivery.
pub(super) struct WebhookErrors;
/// The errors of the id of a mail digest.
pub(super) struct MailDigestErrors;
/// The errors of reading the OpenAPI document.
pub(super) struct SchemaErrors;
/// The errors of a rotation.
pub(super) struct RotationErrors;
/// The errors of ending an overlap.
pub(super) struct OverlapErrors;
/// The errors of a revocation.
pub(super) struct RevocationErrors;

type Responses = BTreeMap<String, RefOr<ResponseObject>>;

impl IntoResponses for CommonErrors {
    fn responses() -> Responses {
        Responses::from_iter([
            error(400, "The request, or the named field, is invalid.", None),
            error(
                401,
                "No value was sent, or it no longer works.",
                Some(("WWW-Authenticate", Type::String, "How to authenticate (RFC 6750).")),
            ),
            error(403, "The caller lacks a permission or scope, or may not call from its address or origin.", None),
            error(500, "The server failed. Its log has the cause, under the `X-Request-Id` of the response.", None),
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

impl IntoResponses for CampaignErrors {
    fn responses() -> Responses {
        Responses::from_iter([error(404, "No rotation campaign, or no API token in the filter, has this id.", None)])
    }
}

impl IntoResponses for WebhookErrors {
    fn responses() -> Responses {
        Responses::from_iter([error(404, "No webhook, or no delivery, has this id.", None)])
    }
}

impl IntoResponses for MailDigestErrors {
    fn responses() -> Responses {
        Responses::from_iter([error(404, "No mail digest has this id.", None)])
    }
}

impl IntoResponses for SchemaErrors {
    fn responses() -> Responses {
        Responses::from_iter([error(404, "The operator has turned this document off.", None)])
    }
}

impl IntoResponses for RotationErrors {
    fn responses() -> Responses {
        let conflict = "Another request has just rotated the API token, or a newer value is already in use; or the value that would stop \
            working is in use.";
        Responses::from_iter([
            error(409, conflict, Some(RETRY_AFTER)),
            error(422, "The idempotency key was already used for a rotation with different input.", None),
        ])
    }
}

impl IntoResponses for OverlapErrors {
    fn responses() -> Responses {
        Responses::from_iter([error(409, "The previous value is in use.", Some(RETRY_AFTER))])
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
