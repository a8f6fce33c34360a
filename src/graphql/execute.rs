//! From a document to an answer: parsing, validation, execution, and a code on every error.

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition};
use async_graphql::parser::{Error as ParseError, parse_query};
use async_graphql::{
    Context, EmptySubscription, Name, PathSegment, Pos, Request, Response, Schema, SchemaBuilder, ServerError, Value,
    Variables,
};

use crate::domain::value::redact;
use crate::service::{self, Caller, ErrorCode, Service};

use super::empty_parentheses::forgive;
use super::error::{Failure, refuse};
use super::mutation::Mutation;
use super::once::rotates_twice;
use super::query::Query;
use super::selection;

/// One request as GraphQL over HTTP carries it.
#[derive(Debug, Default)]
pub struct Document {
    /// The source text.
    pub query: String,
    /// Which operation of several.
    pub operation_name: Option<String>,
    /// The caller's name for the rotations in it, from the `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
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

/// The key of the `Idempotency-Key` header, for rotations whose input has none.
pub(super) fn header_key(ctx: &Context<'_>) -> Option<String> {
    ctx.data_opt::<HeaderKey>().and_then(|HeaderKey(key)| key.clone())
}

struct HeaderKey(Option<String>);

impl GraphqlDoor {
    /// The API over these use cases.
    pub fn new(service: Service) -> Self {
        Self { schema: build_schema().data(service).finish() }
    }

    /// Answers one request of this caller; `None` is a request without a credential.
    ///
    /// # Errors
    /// [`service::Error::Anonymous`] where the request needs a credential and has none; nothing is then executed.
    pub async fn answer(&self, document: Document, caller: Option<Caller>) -> Result<Answer, service::Error> {
        let source = forgive(&document.query);
        let parsed = match parse_query(&source) {
            Ok(parsed) => parsed,
            Err(err) => return Ok(refused(&parse_failure(&err), err.positions().collect())),
        };
        if let Err(message) = selection::check(&parsed) {
            return Ok(refused(&Failure::new(ErrorCode::GraphqlValidationFailed, message), Vec::new()));
        }
        let variables = Variables::from_json(serde_json::Value::Object(document.variables));
        let mut nullable = Vec::new();
        if let Some(operation) = chosen(&parsed, document.operation_name.as_deref()) {
            let root_fields = selection::root_fields(operation, &parsed);
            if caller.is_none() && root_fields.iter().any(|field| !field.name.node.starts_with("__")) {
                return Err(service::Error::Anonymous);
            }
            let own = caller.as_ref().map(|caller| caller.token_id().to_string());
            if rotates_twice(operation, &root_fields, &variables, own.as_deref()) {
                let message = "A document may rotate a given API token once. Send the second rotation by itself.";
                return Ok(refused(&Failure::new(ErrorCode::BadUserInput, message), Vec::new()));
            }
            let keys = root_fields.iter().filter(|field| field.name.node == NULLABLE_ROOT_FIELD);
            nullable.extend(keys.map(|field| response_key(field)));
        }
        let mut request =
            Request::new(source).variables(variables).data(caller).data(HeaderKey(document.idempotency_key));
        request.operation_name = document.operation_name;
        request.set_parsed_query(parsed);
        let mut body = self.schema.execute(request).await;
        let executed = body.errors.is_empty() || body.errors.iter().any(|err| !err.path.is_empty());
        if executed {
            tell_null(&mut body, nullable);
        }
        body.errors.iter_mut().for_each(complete);
        Ok(Answer { body, executed })
    }
}

/// The one field at a root that may be null.
const NULLABLE_ROOT_FIELD: &str = "apiToken";

fn response_key(field: &Field) -> Name {
    field.alias.as_ref().map_or(&field.name.node, |alias| &alias.node).clone()
}

/// The operation that is to be run, as far as that is clear.
fn chosen<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    let mut operations = document.operations.iter();
    match name {
        Some(wanted) => operations.find(|(name, _)| name.is_some_and(|name| name == wanted)),
        None => operations.next(),
    }
    .map(|(_, operation)| &operation.node)
}

/// Tells a nullable field that failed as null (GraphQL, section 6.4.4); the library leaves it out.
fn tell_null(body: &mut Response, nullable: Vec<Name>) {
    if body.data == Value::Null && !nullable.is_empty() {
        body.data = Value::Object(Default::default());
    }
    let Value::Object(data) = &mut body.data else { return };
    for key in nullable {
        data.entry(key).or_insert(Value::Null);
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
    err.message = redact(&err.message);
    for segment in &mut err.path {
        if let PathSegment::Field(key) = segment {
            *key = redact(key);
        }
    }
    let extensions = err.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        // An error with a path arose while a field ran; the only ones that are not ours are inputs of a wrong form.
        let code = if err.path.is_empty() { ErrorCode::GraphqlValidationFailed } else { ErrorCode::BadUserInput };
        extensions.set("code", code.as_str());
    }
}
