//! `POST /graphql`: GraphQL over HTTP for JSON bodies.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

use crate::graphql::{Answer, Document};
use crate::service::{Caller, ErrorCode};

use super::Doors;
use super::client::{self, Client};
use super::json;
use super::reply::{self, Rejection};

const RESPONSE_JSON: &str = "application/graphql-response+json";

pub(super) async fn answer(
    State(doors): State<Doors>,
    Client(caller): Client,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<Body>, Rejection> {
    let document = read(&headers, body)?;
    let standing = caller.as_ref().map(Caller::standing);
    let answer = doors.graphql.answer(document, caller).await?;
    let mut response = write(&headers, &answer);
    client::warn_of_retirement(response.headers_mut(), standing);
    Ok(response)
}

fn read(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Document, Rejection> {
    let mut fields = json::object(headers, body)?;
    let Some(Value::String(query)) = fields.remove("query") else {
        return Err(malformed("The body must have the field query, a string."));
    };
    let operation_name = match fields.remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return Err(malformed("The field operationName must be a string or null.")),
    };
    let variables = match fields.remove("variables") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(variables)) => variables,
        Some(_) => return Err(malformed("The field variables must be an object or null.")),
    };
    let idempotency_key = client::idempotency_key(headers)?;
    Ok(Document { query, operation_name, idempotency_key, variables })
}

fn malformed(message: &str) -> Rejection {
    Rejection::new(ErrorCode::BadUserInput, message)
}

/// The answer in the media type that the client prefers. Only the newer one lets the status speak of the document.
fn write(headers: &HeaderMap, answer: &Answer) -> Response<Body> {
    let accept = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let modern = accept.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|range| range.eq_ignore_ascii_case(RESPONSE_JSON));
        named && !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    });
    let Ok(body) = serde_json::to_vec(&answer.body) else { return reply::panicked() };
    let mut response = Response::new(Body::from(body));
    if modern && !answer.executed {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    let media_type = if modern {
        HeaderValue::from_static("application/graphql-response+json; charset=utf-8")
    } else {
        HeaderValue::from_static("application/json; charset=utf-8")
    };
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
