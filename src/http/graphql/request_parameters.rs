//! The parameters of a GraphQL request, from a JSON body or from the query of a URL (GraphQL over HTTP, section 5).
//!
//! Ours in place of `async_graphql_axum::GraphQLBatchRequest`; [`super`] says why.

use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::{HeaderMap, HeaderName};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::graphql::{DocumentHash, Request};
use crate::http::body::json;
use crate::http::body::unique_names::UniqueNames;
use crate::http::rejection::Rejection;
use crate::service::ErrorCode;

/// The requests of a body.
pub(crate) enum Requests {
    One(Request),
    /// A list of requests, which the specification does not define.
    Batch(Vec<Request>),
}

/// Headers that browsers set and pages cannot remove. `Sec-Fetch-Mode` is not among them, because other programs send it too.
const BROWSER: [HeaderName; 3] =
    [HeaderName::from_static("sec-fetch-site"), HeaderName::from_static("sec-fetch-dest"), ORIGIN];
/// Headers that a page of another origin can send only after a preflight request has allowed it.
const PREFLIGHTED: [HeaderName; 4] = [
    AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-requested-with"),
    HeaderName::from_static("graphql-require-preflight"),
];

/// Refuses a GET that any web page can make a browser send without a preflight request. Such a request has no credential, because
/// credentials are headers; it is not executed all the same. A POST needs no such rule, because its media type needs a preflight.
pub(super) fn refuse_without_preflight(headers: &HeaderMap) -> Result<(), Rejection> {
    let browser = BROWSER.iter().any(|name| headers.contains_key(name));
    if !browser || PREFLIGHTED.iter().any(|name| headers.contains_key(name)) {
        return Ok(());
    }
    let message = "Any web page could make a browser send this request. Add the header GraphQL-Require-Preflight: 1.";
    Err(Rejection::new(ErrorCode::BadUserInput, message))
}

/// The request in the query of a URL. It must change nothing.
pub(crate) fn from_url(query: &str) -> Result<Request, Rejection> {
    let mut fields = Map::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        let value = match name.as_ref() {
            // An HTML form sends a field that is not filled in as an empty one.
            "operationName" | "variables" | "extensions" if text.is_empty() => Value::Null,
            "query" | "operationName" => Value::String(text.into_owned()),
            "variables" | "extensions" => json::parse::<UniqueNames>(text.as_bytes())
                .map_err(|_| {
                    let message = format!("The parameter {name} is not JSON, or too large. Encode it for URLs.");
                    Rejection::field(name.to_string(), message)
                })?
                .value("field")?,
            _ => continue,
        };
        if fields.insert(name.to_string(), value).is_some() {
            return Err(Rejection::repeated("parameter", &name));
        }
    }
    from_fields(fields).map(|request| Request { safe: true, ..request })
}

/// The request with these parameters.
pub(crate) fn from_fields(mut fields: Map<String, Value>) -> Result<Request, Rejection> {
    let query = text(fields.remove("query"), "query")?;
    // Some clients send an empty name instead of none. No operation has that name.
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

pub(super) fn malformed(message: &str) -> Rejection {
    Rejection::new(ErrorCode::BadUserInput, message)
}
