//! The parameters of a GraphQL request, from a JSON body or from the query of a URL (GraphQL over HTTP, section 5).
//!
//! Ours in place of `async_graphql_axum::GraphQLBatchRequest`; [`super`] says why.

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::graphql::{DocumentHash, Request};
use crate::http::body::json;
use crate::http::reply::Rejection;
use crate::service::ErrorCode;

/// What a body holds.
pub(crate) enum Requests {
    One(Request),
    /// A list of requests, which is no part of the specification.
    Batch(Vec<Request>),
}

/// The request or requests of a JSON body.
pub(crate) fn of_body(body: Value, max_batch: usize) -> Result<Requests, Rejection> {
    match body {
        Value::Object(fields) => of_fields(fields).map(Requests::One),
        Value::Array(_) if max_batch == 0 => Err(malformed(
            "This server does not accept lists of requests. Send them one by one, or ask the operator for --graphql-max-batch.",
        )),
        Value::Array(items) if items.is_empty() || items.len() > max_batch => {
            Err(malformed(&format!("A list may contain 1 to {max_batch} requests.")))
        }
        Value::Array(items) => {
            let requests = items.into_iter().map(|item| match item {
                Value::Object(fields) => of_fields(fields),
                _ => Err(malformed("Each request of a list must be a JSON object.")),
            });
            requests.collect::<Result<_, _>>().map(Requests::Batch)
        }
        _ => Err(malformed("The body must be a JSON object.")),
    }
}

/// The request of a URL, which may change nothing.
pub(crate) fn of_url(query: &str) -> Result<Request, Rejection> {
    let mut fields = Map::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        let value = match name.as_ref() {
            // What a form cannot leave out it leaves empty.
            "operationName" | "variables" | "extensions" if text.is_empty() => Value::Null,
            "query" | "operationName" => Value::String(text.into_owned()),
            "variables" | "extensions" => json::parse(text.as_bytes()).map_err(|_| {
                let message = format!("The parameter {name} is not JSON, or too large. Encode it for URLs.");
                Rejection::field(name.to_string(), message)
            })?,
            _ => continue,
        };
        if fields.insert(name.to_string(), value).is_some() {
            let message = format!("The parameter {name} is given more than once.");
            return Err(Rejection::field(name.into_owned(), message));
        }
    }
    of_fields(fields).map(|request| Request { safe: true, ..request })
}

/// The request of these parameters.
pub(crate) fn of_fields(mut fields: Map<String, Value>) -> Result<Request, Rejection> {
    let query = text(fields.remove("query"), "query")?;
    // Clients that have no name to send send an empty one; no operation has it.
    let operation_name = text(fields.remove("operationName"), "operationName")?.filter(|name| !name.is_empty());
    let variables = object(fields.remove("variables"), "variables")?.unwrap_or_default();
    let extensions = object(fields.remove("extensions"), "extensions")?;
    let hash = extensions.and_then(|mut extensions| extensions.remove("persistedQuery")).map(hash).transpose()?;
    if query.is_none() && hash.is_none() {
        return Err(Rejection::field("query", "The request must have the parameter query, a string."));
    }
    Ok(Request { query, hash, operation_name, variables, safe: false })
}

fn text(value: Option<Value>, name: &'static str) -> Result<Option<String>, Rejection> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Rejection::field(name, format!("The parameter {name} must be a string."))),
    }
}

fn object(value: Option<Value>, name: &'static str) -> Result<Option<Map<String, Value>>, Rejection> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(fields)) => Ok(Some(fields)),
        Some(_) => Err(Rejection::field(name, format!("The parameter {name} must be a JSON object."))),
    }
}

/// The hash of an automatic persisted query.
fn hash(extension: Value) -> Result<DocumentHash, Rejection> {
    let version = extension.get("version").and_then(Value::as_f64);
    let hash = extension.get("sha256Hash").and_then(Value::as_str).and_then(DocumentHash::parse);
    hash.filter(|_| version == Some(1.0)).ok_or_else(|| {
        let message = "The extension persistedQuery must have version, 1, and sha256Hash, 64 hexadecimal digits.";
        Rejection::field("persistedQuery", message)
    })
}

fn malformed(message: &str) -> Rejection {
    Rejection::new(ErrorCode::BadUserInput, message)
}
