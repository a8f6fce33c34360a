//! From a request to an answer: finds and validates the document, admits the caller, plans the operation, and executes the plan.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{
    Request as Execution, Response, SDLExportOptions, Schema, SchemaBuilder, ValidationMode, Variables,
};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::{Map, Value as Json};

use crate::domain::rule::lifecycle::due_soon::Warnings;
use crate::domain::value::redact;
use crate::graphql::document::cache::Documents;
use crate::graphql::document::cost::{cost, cost_of_introspection};
use crate::graphql::document::direct::query::DirectQuery;
use crate::graphql::document::plan::{one_by_one, root_fields};
use crate::graphql::document::prepared::{Operation, Prepared, RootField};
use crate::graphql::document::single_rotation::rotates_twice;
use crate::graphql::error::PublicError;
use crate::graphql::request_error::{RequestError, validation_error};
use crate::graphql::schema::handoff::Handoff;
use crate::graphql::schema::mutation::Mutation;
use crate::graphql::schema::query::Query;
use crate::graphql::schema::subscription::Subscription;
use crate::graphql::session::Session;
use crate::graphql::settings::{Introspection, Settings};
use crate::graphql::validation::validator::{InvalidSchema, Validator};
use crate::graphql::validation::variables;
use crate::metrics::Exposition;
use crate::service::{self, ErrorCode, RequestContext, Service};
use crate::traces;

use super::answer::{Answer, not_run};
use super::request::{DirectRequest, Outcome, Refused, Request};
use super::size::{Bound, CountSize};
use super::subscriptions::SharedEvents;

/// About three times the cost of the introspection query that client generators send.
const MAX_INTROSPECTION_COST: u64 = 600_000;

/// A document that is ready to be executed, and its text if it is not cached yet.
struct Found<'a> {
    prepared: Arc<Prepared>,
    uncached: Option<Cow<'a, str>>,
}

/// The GraphQL API over the use cases.
#[derive(Clone)]
pub struct GraphqlEngine {
    service: Service,
    schema: Schema<Query, Mutation, Subscription>,
    documents: Arc<Documents>,
    shared_events: Arc<SharedEvents>,
    sdl: Arc<str>,
    settings: Settings,
}

pub(crate) fn build_schema() -> SchemaBuilder<Query, Mutation, Subscription> {
    // Our own validation has already applied every rule.
    Schema::build(Query, Mutation::default(), Subscription).validation_mode(ValidationMode::Fast)
}

pub(crate) fn sdl_of(schema: &Schema<Query, Mutation, Subscription>) -> String {
    schema.sdl_with_options(SDLExportOptions::new().include_specified_by().use_space_ident().indent_width(2))
}

impl GraphqlEngine {
    /// The API over these use cases.
    ///
    /// # Errors
    /// When the schema generated from the code is invalid.
    pub fn new(service: Service, settings: Settings) -> Result<Self, InvalidSchema> {
        let schema = build_schema().data(service.clone()).extension(CountSize).finish();
        let sdl = sdl_of(&schema);
        let documents = Documents::new(Validator::new(&sdl, settings)?, &settings);
        let (documents, shared_events) = (Arc::new(documents), Arc::default());
        Ok(Self { service, schema, documents, shared_events, sdl: sdl.into(), settings })
    }

    /// The schema in the schema definition language.
    pub fn sdl(&self) -> &str {
        &self.sdl
    }

    /// The operator's settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Answers a request with one answer. Subscriptions have many, and are refused.
    ///
    /// # Errors
    /// [`Refused`], if the request cannot be answered by a GraphQL response.
    pub async fn answer(&self, request: Request, session: &Arc<Session>) -> Result<Answer, Refused> {
        Ok(match self.start(request, session).await? {
            Outcome::Answer(answer) => answer,
            Outcome::Answers(_) => {
                let message = "Subscriptions are answered over a WebSocket or as server-sent events. Send Accept: text/event-stream.";
                let public = PublicError::new(ErrorCode::BadUserInput, message);
                Answer::refused(vec![RequestError { public, locations: Vec::new() }])
            }
        })
    }

    /// Describes the cache of documents.
    pub fn describe(&self, exposition: &mut Exposition) {
        self.documents.describe(exposition);
    }

    /// Answers a query without waiting, for the caller that presents this value in this request: what the caller should
    /// know ahead, and the body of the answer. `None` if the request asks for anything else, or has to wait.
    pub fn try_now(
        &self,
        caller: (&str, &RequestContext<'_>),
        asked: &DirectRequest<'_>,
    ) -> Option<(Warnings, Vec<u8>)> {
        let prepared = self.documents.cached(&asked.query)?;
        let operation = prepared.choose(asked.operation_name.as_deref()).ok()?;
        let max_bytes = self.settings.max_answer_bytes as u64;
        let is_within =
            |direct: &&DirectQuery| direct.cost() <= self.settings.max_cost && direct.max_bytes() <= max_bytes;
        let direct = operation.direct.as_ref().filter(is_within)?;
        let answer = direct.try_now(&self.service, caller, asked.variables)?;
        self.documents.note_hit();
        Some(answer)
    }

    /// Executes a query or mutation, or starts a subscription, whichever transport the request came by.
    ///
    /// # Errors
    /// [`Refused`], if the request cannot be answered by a GraphQL response.
    pub async fn start(&self, request: Request, session: &Arc<Session>) -> Result<Outcome, Refused> {
        Ok(match self.unwarned(request, session).await? {
            // Asked only now, because the operation may have rotated the token.
            Outcome::Answer(answer) => Outcome::Answer(answer.warning_of(session.rotate_soon_by())),
            events => events,
        })
    }

    /// The outcome, of which an answer does not say yet until when the caller's token must be rotated.
    async fn unwarned(&self, mut request: Request, session: &Arc<Session>) -> Result<Outcome, Refused> {
        // Errors in a document reveal the schema, so a caller without a credential gets none unless the schema is public.
        if session.caller.is_none() && self.settings.introspection != Introspection::Public {
            return Err(Refused::Service(service::Error::Anonymous));
        }
        let refused = |errors| Ok(Outcome::Answer(Answer::refused(errors)));
        let given = std::mem::take(&mut request.variables);
        let Found { prepared, uncached } = match self.find(&request) {
            Ok(found) => found,
            Err(errors) => return refused(errors),
        };
        let operation = match prepared.choose(request.operation_name.as_deref()) {
            Ok(operation) => operation,
            Err(error) => return refused(vec![error]),
        };
        trace(operation);
        if request.safe && (operation.ty == OperationType::Mutation || operation.takes_value) {
            return Err(Refused::Unsafe);
        }
        if let Some(refused) = self.admit(operation, session)? {
            return Ok(Outcome::Answer(refused));
        }
        let (document, variables) = match self.plan(operation, given, session) {
            Ok(planned) => planned,
            Err(error) => return refused(vec![error]),
        };
        if let Some(text) = uncached {
            self.documents.cache(&text, &prepared);
        }
        if let (Some(hash), Some(text)) = (request.hash, &request.query) {
            self.documents.persist(hash, text);
        }
        let limit = self.settings.operation_timeout;
        let outcome = async {
            if operation.ty == OperationType::Subscription {
                Outcome::Answers(self.subscribe(operation, document, variables, session).await)
            } else {
                Outcome::Answer(self.run(operation, document, variables, session).await)
            }
        };
        tokio::time::timeout(limit, pin!(outcome)).await.map_err(|_| Refused::TooSlow(limit))
    }

    /// The document that the request contains, or refers to by its hash.
    fn find<'a>(&self, request: &'a Request) -> Result<Found<'a>, Vec<RequestError>> {
        let text = match (&request.query, request.hash) {
            (Some(text), hash) => {
                hash.map_or(Ok(()), |hash| Documents::compare(hash, text)).map_err(|error| vec![error])?;
                Cow::Borrowed(text.as_str())
            }
            (None, Some(hash)) => Cow::Owned(self.documents.find(hash).map_err(|error| vec![error])?.to_string()),
            (None, None) => {
                let message = "The request must have the parameter query, a string.";
                let public = PublicError::new(ErrorCode::BadUserInput, message);
                return Err(vec![RequestError { public, locations: Vec::new() }]);
            }
        };
        let (prepared, kept) = self.documents.prepare(&text)?;
        Ok(Found { prepared, uncached: (!kept).then_some(text) })
    }

    /// Whether the caller may run this operation at all. Permissions are checked by the use cases.
    fn admit(&self, operation: &Operation, session: &Session) -> Result<Option<Answer>, Refused> {
        if operation.introspects && self.settings.introspection == Introspection::Off {
            let message = "Introspection is switched off on this server. Ask the operator for the schema.".to_owned();
            return Ok(Some(Answer::refused(vec![validation_error(message).at(operation.place())])));
        }
        if session.caller.is_none() && !operation.anonymous {
            return Err(Refused::Service(service::Error::Anonymous));
        }
        Ok(None)
    }

    /// The planned document and its variables, after these were checked and the cost was found within the limits.
    fn plan(
        &self,
        operation: &Operation,
        mut given: Map<String, Json>,
        session: &Session,
    ) -> Result<(ExecutableDocument, Variables), RequestError> {
        let validator = self.documents.validator();
        variables::check(&mut given, &operation.variables, validator.schema(), validator.hides_names())
            .map_err(|(public, place)| RequestError { public, locations: vec![place] })?;
        // Undeclared variables are dropped before the conversion, which would take many times their length.
        let declared = given.into_iter().filter(|(name, _)| operation.declares(name)).collect();
        let variables = Variables::from_json(Json::Object(declared));
        let document = operation.plan(&variables);
        let variable = |name: &_| operation.variable(&variables, name);
        let own = session.caller.as_ref().map(|caller| caller.token_id().to_string());
        if operation.ty == OperationType::Mutation && rotates_twice(&root_fields(&document), &variable, own.as_deref())
        {
            let message = "A document may rotate a given API token once. Send the second rotation by itself.";
            let public = PublicError::new(ErrorCode::BadUserInput, message);
            return Err(RequestError { public, locations: vec![operation.place()] });
        }
        let (cost, max_cost) = (cost(&document, &variable), self.settings.max_cost);
        if cost > max_cost {
            let message =
                format!("The operation costs {cost}; the limit is {max_cost}. Ask for smaller pages or fewer fields.");
            return Err(validation_error(message).at(operation.place()));
        }
        if operation.introspects && cost_of_introspection(&document) > MAX_INTROSPECTION_COST {
            let message = "The operation asks for too much of the schema at once.".to_owned();
            return Err(validation_error(message).at(operation.place()));
        }
        Ok((document, variables))
    }

    async fn run(
        &self,
        operation: &Operation,
        document: ExecutableDocument,
        variables: Variables,
        session: &Arc<Session>,
    ) -> Answer {
        let is_mutation = operation.ty == OperationType::Mutation;
        let max_bytes = self.settings.max_answer_bytes;
        let bound = Bound::new(session.size.clone(), session, max_bytes, !is_mutation);
        // Earlier requests of the same list may have used up the limit.
        if bound.is_exceeded() {
            return Answer::too_large(bound.max_bytes);
        }
        let roots = roots(operation, &document);
        let mut responses = Vec::new();
        if is_mutation && roots.len() > 1 {
            for document in one_by_one(&document) {
                // Every change must be reported, so none is made once the answer is full.
                let response = if bound.is_exceeded() {
                    not_run(bound.max_bytes)
                } else {
                    self.execute(document, variables.clone(), session, bound.clone()).await
                };
                let failed = !response.errors.is_empty();
                responses.push(response);
                // After a field error the result may be null as a whole, so no further field is run (section 6.4.4).
                if failed {
                    break;
                }
            }
        } else if !roots.is_empty() {
            responses.push(self.execute(document, variables, session, bound.clone()).await);
        }
        if !is_mutation && bound.is_exceeded() {
            return Answer::too_large(bound.max_bytes);
        }
        let answer = Answer::of(roots, responses);
        if operation.has_conditions() { answer.without_placeholders() } else { answer }
    }

    async fn execute(
        &self,
        document: ExecutableDocument,
        variables: Variables,
        session: &Arc<Session>,
        bound: Bound,
    ) -> Response {
        self.schema.execute(execution(document, variables, session, bound)).await
    }

    /// Subscribes. Once this returns, no event is missed; if it failed, the first answer says why.
    async fn subscribe(
        &self,
        operation: &Operation,
        document: ExecutableDocument,
        variables: Variables,
        session: &Arc<Session>,
    ) -> BoxStream<'static, Answer> {
        let (roots, has_conditions) = (roots(operation, &document), operation.has_conditions());
        let rotate_soon_by = session.rotate_soon_by();
        let (schema, session, asked) = (self.schema.clone(), session.clone(), document.clone());
        let max_bytes = self.settings.max_answer_bytes;
        let execute = move |handoff: Arc<Handoff>| {
            // Each event is a separate answer, with its own limit.
            let bound = Bound::new(Arc::default(), &session, max_bytes, true);
            schema.execute_stream(execution(asked.clone(), variables.clone(), &session, bound).data(handoff)).boxed()
        };
        let answer = move |response| {
            let answer = Answer::of(roots.clone(), vec![response]);
            if has_conditions { answer.without_placeholders() } else { answer }
        };
        self.shared_events.subscribe(&document, rotate_soon_by, execute, answer).await
    }
}

/// Names the operation in the trace of the request. The name is a word that the client chose, so it is redacted (R9).
fn trace(operation: &Operation) {
    traces::note("graphql.operation.type", || operation.ty.to_string());
    if let Some(name) = operation.name() {
        traces::note("graphql.operation.name", || redact(name).into_owned());
    }
}

fn execution(document: ExecutableDocument, variables: Variables, session: &Arc<Session>, bound: Bound) -> Execution {
    let mut execution = Execution::new(String::new()).variables(variables).data(session.clone()).data(bound);
    execution.set_parsed_query(document);
    execution
}

/// The root fields, in the order and with the nullability of the answer.
fn roots(operation: &Operation, document: &ExecutableDocument) -> Vec<RootField> {
    root_fields(document).into_iter().map(|field| operation.root(field)).collect()
}
