//! Requests to the engine, and their outcomes.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::stream::BoxStream;
use serde_json::{Map, Value as Json};

use crate::graphql::document::cache::DocumentHash;
use crate::service;

use super::answer::Answer;

/// A request as GraphQL over HTTP defines it. It may contain a token's value, so it cannot be printed (R9).
#[derive(Default)]
pub struct Request {
    /// The document. May be left out if the hash is given.
    pub query: Option<String>,
    /// The hash of the document (automatic persisted queries).
    pub hash: Option<DocumentHash>,
    /// The name of the operation to execute, if the document has several.
    pub operation_name: Option<String>,
    /// The variables, a JSON object.
    pub variables: Map<String, Json>,
    /// Whether it must be safe: a GET changes nothing (RFC 9110, section 9.2.1).
    pub safe: bool,
}

/// A request that may be answered directly. It may contain a token's value, so it cannot be printed (R9).
pub struct DirectRequest<'a> {
    /// The document.
    pub query: Cow<'a, str>,
    /// The name of the operation to execute, if the document has several.
    pub operation_name: Option<Cow<'a, str>>,
    /// The variables, a JSON object that is not parsed yet.
    pub variables: Option<&'a str>,
}

/// Why a request has no GraphQL response.
#[derive(Debug)]
pub enum Refused {
    /// The service refused it before anything was executed, such as for lack of a credential.
    Service(service::Error),
    /// It must be safe, but would change something or has a token's value in its URL.
    Unsafe,
    /// It took longer than this, and was cancelled.
    TooSlow(Duration),
}

/// The outcome of a request.
pub enum Outcome {
    /// One answer.
    Answer(Answer),
    /// The answers of a subscription, until it ends.
    Answers(BoxStream<'static, Answer>),
}
