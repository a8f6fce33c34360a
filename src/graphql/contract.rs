//! The schema as a document is judged by it, and the judgement: parsing, bounds, validation.
//!
//! Validation is apollo-compiler's, which follows section 5 of the specification rule by rule; async-graphql, which executes,
//! leaves several of them out. What a schema's own scalar accepts neither of them asks, so that is done here.

use apollo_compiler::diagnostic::Diagnostic;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::{DiagnosticData, DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Schema, ast};
use async_graphql::Pos;
use async_graphql::parser::parse_query;

use crate::service::ErrorCode;

use super::document::Prepared;
use super::error::Failure;
use super::settings::{Introspection, Settings};
use super::{discretion, inputs, selection, source, suggestion};

/// What the edition of September 2025 has added to introspection (section 4.2), and the validator does not know yet.
const NEWEST: &str = "extend type __Type { isOneOf: Boolean }";

/// The most errors that are told of one document.
const MAX_ERRORS: usize = 10;

/// The schema that the code declares is none. A fault of ours, found at the start.
#[derive(Debug, thiserror::Error)]
#[error("the GraphQL schema of the code is not valid: {0}")]
pub struct InvalidSchema(String);

/// The schema, for judging documents by.
pub(super) struct Contract {
    schema: Valid<Schema>,
    settings: Settings,
}

/// What is wrong with a document, and where.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) failure: Failure,
    pub(super) locations: Vec<Pos>,
}

impl Contract {
    /// The schema of this definition.
    pub(super) fn new(sdl: &str, settings: Settings) -> Result<Self, InvalidSchema> {
        let schema = Schema::parse_and_validate(format!("{sdl}\n{NEWEST}"), "schema.graphql");
        let schema = schema.map_err(|invalid| InvalidSchema(invalid.errors.to_string()))?;
        Ok(Self { schema, settings })
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether errors may name only what the client sent. Who may read the schema after signing in has signed in when a
    /// document is judged.
    pub(super) fn hides_names(&self) -> bool {
        self.settings.introspection == Introspection::Off
    }

    /// The document, ready to be run.
    ///
    /// # Errors
    /// All that is wrong with it, never nothing.
    pub(super) fn prepare(&self, text: &str) -> Result<Prepared, Vec<Fault>> {
        if text.len() > self.settings.max_bytes {
            return Err(vec![invalid(format!("A document may have at most {} bytes.", self.settings.max_bytes))]);
        }
        let source = source::tidy(text);
        let syntax = self.parse(&source)?;
        let parsed = match parse_query(&source) {
            Ok(parsed) => parsed,
            // The library's grammar is older than the specification; what it does not know is written out for it.
            Err(_) => parse_query(syntax.to_string())
                .map_err(|err| vec![invalid(format!("The document cannot be run: {err}"))])?,
        };
        let selections = selection::check(&parsed, &self.settings).map_err(|message| vec![invalid(message)])?;
        let document = self.validate(&syntax)?;
        Ok(Prepared::new(parsed, &document, selections))
    }

    fn parse(&self, source: &str) -> Result<ast::Document, Vec<Fault>> {
        let mut parser = Parser::new().token_limit(self.settings.max_tokens).recursion_limit(RECURSION_LIMIT);
        let syntax = parser.parse_ast(source, "document");
        if parser.tokens_reached() > self.settings.max_tokens {
            return Err(vec![invalid(format!("A document may have at most {} tokens.", self.settings.max_tokens))]);
        }
        if parser.recursion_reached() >= RECURSION_LIMIT {
            return Err(vec![invalid("The document nests too deep.".to_owned())]);
        }
        syntax.map_err(|broken| self.faults(&broken.errors, ErrorCode::GraphqlParseFailed))
    }

    fn validate(&self, syntax: &ast::Document) -> Result<Valid<ExecutableDocument>, Vec<Fault>> {
        let refuse = |diagnostics: &DiagnosticList| self.faults(diagnostics, ErrorCode::GraphqlValidationFailed);
        let document = match syntax.to_executable(&self.schema) {
            Ok(document) => document.validate(&self.schema).map_err(|invalid| refuse(&invalid.errors))?,
            Err(invalid) => return Err(refuse(&invalid.errors)),
        };
        let mut refused = inputs::check(&document, &self.schema);
        if self.hides_names() {
            refused.iter_mut().for_each(|fault| discretion::INPUT.clone_into(&mut fault.failure.message));
        }
        if refused.is_empty() { Ok(document) } else { Err(refused) }
    }

    fn faults(&self, diagnostics: &DiagnosticList, code: ErrorCode) -> Vec<Fault> {
        let fault = |diagnostic: Diagnostic<'_, DiagnosticData>| {
            let mut message = sentence(&diagnostic.error.to_string());
            if self.hides_names() {
                message = discretion::discreet(diagnostic.error.unstable_error_name(), message);
            } else {
                message.extend(suggestion::of(&message, &self.schema));
            }
            let place = diagnostic.line_column_range().map(|range| range.start);
            let locations = place.map(|at| Pos { line: at.line, column: at.column });
            Fault { failure: Failure::new(code, message), locations: locations.into_iter().collect() }
        };
        diagnostics.iter().take(MAX_ERRORS).map(fault).collect()
    }
}

/// Deeper than any document within the bounds, and far from the end of any stack.
const RECURSION_LIMIT: usize = 200;

/// A fault of a document that fits its grammar.
pub(super) fn invalid(message: String) -> Fault {
    Fault { failure: Failure::new(ErrorCode::GraphqlValidationFailed, message), locations: Vec::new() }
}

/// The text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
