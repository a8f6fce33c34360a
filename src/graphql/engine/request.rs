//! What the GraphQL endpoint is asked, by whom, and what comes of it.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::stream::BoxStream;
use serde_json::{Map, Value as Json};

use crate::graphql::document::cache::DocumentHash;
use crate::service;

use super::answer::Answer;

/// One request as GraphQL over HTTP carries it. It may hold a value, so it cannot be printed (R9).
#[derive(Default)]
pub struct Request {
    /// The document; may be left out where its hash is given.
    pub query: Option<String>,
    /// The hash of the document (automatic persisted queries).
    pub hash: Option<DocumentHash>,
    /// Which operation of several.
    pub operation_name: Option<String>,
    /// The variables, a JSON object.
    pub variables: Map<String, Json>,
    /// Whether it must change nothing, as a GET must not (RFC 9110, section 9.2.1).
    pub safe: bool,
}

/// One request that may be for a verification alone, as it was written. It holds a value, so it cannot be printed (R9).
pub struct Verifying<'a> {
    /// The document.
    pub query: Cow<'a, str>,
    /// Which operation of several.
    pub operation_name: Option<Cow<'a, str>>,
    /// The variables, the text of a JSON object.
    pub variables: &'a str,
}

/// Why a request got no answer of GraphQL's.
#[derive(Debug)]
pub enum Refused {
    /// It needs a credential and has none; nothing was executed.
    Service(service::Error),
    /// It would change something, or holds a value in its URL, and must not.
    Unsafe,
    /// It took longer than this and was given up.
    TooSlow(Duration),
}

/// What comes of a request.
pub enum Outcome {
    /// One answer.
    Answer(Answer),
    /// One answer after the other, until there are no more: what a subscription comes to.
    Answers(BoxStream<'static, Answer>),
}
