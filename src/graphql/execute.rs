//! From a document to an answer: parsing, validation, execution, and a code on every error.

use async_graphql::parser::{Error as ParseError, parse_query};
use async_graphql::{
    Context, EmptySubscription, Pos, Request, Response, Schema, SchemaBuilder, ServerError, Variables,
};

use crate::domain::value;
use crate::service::{self, Caller, ErrorCode, Service};

use super::empty_parentheses::forgive;
use super::error::{Failure, refuse};
use super::mutation::Mutation;
use super::once::rotates_twice;
use super::query::Query;

/// One request as GraphQL over HTTP carries it.
#[derive(Debug, Default)]
pub struct Document {
    /// The source text.
    pub query: String,
    /// Which operation of several.
    pub operation_name: Option<String>,
    /// The variables, a JSON object.
    pub variables: serde_json::Map<String, serde_json::Value>,
}

/// The answer to one request.
#[derive(Debug)]
pub struct Answer {
    /// What to send.
    pub body: Response,
    /// Whether execution began; if not, the request itself was at fault.
    pub executed: bool,
}

/// The GraphQL API over the use cases.
#[derive(Clone)]
pub struct GraphqlDoor {
    schema: Schema<Query, Mutation, EmptySubscription>,
}

pub(super) fn build_schema() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription)
}

pub(super) fn service<'a>(ctx: &Context<'a>) -> async_graphql::Result<&'a Service> {
    ctx.data::<Service>()
}

pub(super) fn caller<'a>(ctx: &Context<'a>) -> async_graphql::Result<&'a Caller> {
    ctx.data::<Option<Caller>>()?.as_ref().ok_or_else(|| refuse(service::Error::Anonymous))
}

impl GraphqlDoor {
    /// The API over these use cases.
    pub fn new(service: Service) -> Self {
        Self { schema: build_schema().data(service).finish() }
    }

    /// Answers one request of this caller; `None` is a request without a credential.
    pub async fn answer(&self, document: Document, caller: Option<Caller>) -> Answer {
        let source = forgive(&document.query);
        let parsed = match parse_query(&source) {
            Ok(parsed) => parsed,
            Err(err) => return refused(&parse_failure(&err), err.positions().collect()),
        };
        let variables = Variables::from_json(serde_json::Value::Object(document.variables));
        let own = caller.as_ref().map(|caller| caller.token_id().to_string());
        if rotates_twice(&parsed, document.operation_name.as_deref(), &variables, own.as_deref()) {
            let message = "A document may rotate a given API token once. Send the second rotation by itself.";
            return refused(&Failure::new(ErrorCode::BadUserInput, message), Vec::new());
        }
        let mut request = Request::new(source).variables(variables).data(caller);
        request.operation_name = document.operation_name;
        request.set_parsed_query(parsed);
        let mut body = self.schema.execute(request).await;
        let executed = body.errors.is_empty() || body.errors.iter().any(|err| !err.path.is_empty());
        body.errors.iter_mut().for_each(complete);
        Answer { body, executed }
    }
}

/// The text of a parse error names what was expected and where, and never quotes the source, which may hold a value.
fn parse_failure(err: &ParseError) -> Failure {
    let message = match err {
        ParseError::Syntax { .. } => "The document is not GraphQL here. Check the syntax at this place.".to_owned(),
        other => other.to_string(),
    };
    Failure::new(ErrorCode::GraphqlParseFailed, message)
}

fn refused(failure: &Failure, locations: Vec<Pos>) -> Answer {
    let mut err = ServerError::new(&failure.message, None);
    err.locations = locations;
    err.extensions = Some(failure.extensions());
    Answer { body: Response::from_errors(vec![err]), executed: false }
}

/// Gives a code to the errors that the library raises itself, and makes sure that none repeats a value (R9).
fn complete(err: &mut ServerError) {
    err.message = value::redact(&err.message);
    let extensions = err.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        // An error with a path arose while a field ran; the only ones that are not ours are inputs of a wrong form.
        let code = if err.path.is_empty() { ErrorCode::GraphqlValidationFailed } else { ErrorCode::BadUserInput };
        extensions.set("code", code.as_str());
    }
}
