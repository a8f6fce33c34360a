//! Parses a document, checks its limits, and validates it against the schema.
//!
//! apollo-compiler validates, because it implements every rule of section 5 of the specification; async-graphql, which executes, lacks
//! several. Neither checks the values of custom scalars, so `input_values` does.

use apollo_compiler::diagnostic::{Diagnostic, ToCliReport};
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::{DiagnosticData, DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Schema, ast};
use async_graphql::parser::types::ExecutableDocument as ParsedDocument;

use crate::graphql::error::PublicError;
use crate::graphql::request_error::{RequestError, validation_error};
use crate::graphql::settings::{Introspection, Settings};
use crate::graphql::syntax::lexer::SyntaxError;
use crate::graphql::syntax::positions::Positions;
use crate::graphql::syntax::translate::translate;
use crate::graphql::syntax::{error_locations, preprocess};
use crate::service::ErrorCode;

use super::{field_aliases, hidden_names, input_values, limits, suggestion};

/// What the edition of September 2025 added to introspection (section 4.2), and apollo-compiler does not have yet.
const INTROSPECTION_2025: &str = "extend type __Type { isOneOf: Boolean }";

/// The most errors that are reported for one document.
const MAX_ERRORS: usize = 10;

/// The GraphQL schema generated from the code is invalid: a bug, found at startup.
#[derive(Debug, thiserror::Error)]
#[error("The GraphQL schema generated from the code is invalid: {0}")]
pub struct InvalidSchema(String);

/// Validates documents against the schema.
pub(crate) struct Validator {
    schema: Valid<Schema>,
    settings: Settings,
}

/// A valid document within the limits, in the form of each of the two libraries.
pub(crate) struct ValidDocument {
    /// For execution.
    pub(crate) parsed: ParsedDocument,
    /// With the types of the fields.
    pub(crate) validated: Valid<ExecutableDocument>,
    /// The number of fields and fragments, with every spread expanded.
    pub(crate) selections: usize,
}

impl Validator {
    /// A validator for this schema.
    pub(crate) fn new(sdl: &str, settings: Settings) -> Result<Self, InvalidSchema> {
        let schema = Schema::parse_and_validate(format!("{sdl}\n{INTROSPECTION_2025}"), "schema.graphql");
        let schema = schema.map_err(|invalid| InvalidSchema(invalid.errors.to_string()))?;
        Ok(Self { schema, settings })
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether error messages must not contain names that the client did not send. If only authenticated callers may read the schema, the
    /// caller is already authenticated here.
    pub(crate) fn hides_names(&self) -> bool {
        self.settings.introspection == Introspection::Off
    }

    /// Parses and validates a document.
    ///
    /// # Errors
    /// The errors of the document, at least one.
    pub(crate) fn parse_and_validate(&self, text: &str) -> Result<ValidDocument, Vec<RequestError>> {
        if text.len() > self.settings.max_bytes {
            return Err(vec![validation_error(format!(
                "A document may have at most {} bytes.",
                self.settings.max_bytes
            ))]);
        }
        let positions = Positions::of(text);
        let error = |syntax_error: SyntaxError| {
            let public = PublicError::new(ErrorCode::GraphqlParseFailed, syntax_error.message);
            RequestError { public, locations: vec![positions.at(syntax_error.at)] }
        };
        let preprocessed = preprocess::preprocess(text);
        let syntax = self.parse(&preprocessed.text, text, &positions);
        let syntax = match (syntax, preprocessed.without_value, preprocessed.syntax_error) {
            (syntax, None, None) => syntax?,
            (syntax, without_value, syntax_error) => {
                let mut errors = syntax.err().unwrap_or_default();
                if syntax_error.is_some() {
                    // The text ends before the lexical error, so the parser also reports an unexpected end.
                    let end = positions.of_next(preprocessed.text.len());
                    errors.retain(|error| error.locations.iter().all(|place| *place < end));
                }
                // In the order of the document.
                for error in without_value.into_iter().chain(syntax_error).map(error) {
                    let after = errors.partition_point(|other| other.locations < error.locations);
                    errors.insert(after, error);
                }
                return Err(errors);
            }
        };
        let parsed = translate(&syntax, &positions);
        let selections = limits::check(&parsed, &self.settings).map_err(|error| vec![error])?;
        field_aliases::check(&parsed, self.settings.max_field_aliases).map_err(|error| vec![error])?;
        let validated = self.validate(&syntax, &preprocessed.text, &positions)?;
        Ok(ValidDocument { parsed, validated, selections })
    }

    /// Parses a document that was preprocessed from this text.
    fn parse(&self, source: &str, text: &str, positions: &Positions<'_>) -> Result<ast::Document, Vec<RequestError>> {
        let mut parser = Parser::new().token_limit(self.settings.max_tokens).recursion_limit(RECURSION_LIMIT);
        let syntax = parser.parse_ast(source, "document");
        // The last error of the parser is at the place where it stopped.
        let gave_up = |message: String| {
            let last = syntax.as_ref().err().and_then(|syntax_error| syntax_error.errors.iter().last());
            let place = last.and_then(|diagnostic| diagnostic.error.location());
            let locations = place.map(|span| positions.at(span.offset()));
            Err(vec![RequestError { locations: locations.into_iter().collect(), ..validation_error(message) }])
        };
        if parser.tokens_reached() > self.settings.max_tokens {
            return gave_up(format!("A document may have at most {} tokens.", self.settings.max_tokens));
        }
        if parser.recursion_reached() >= RECURSION_LIMIT {
            return gave_up("The document is nested too deeply.".to_owned());
        }
        let place =
            |_: Option<&str>, message: &str, offset| error_locations::offset_of_syntax_error(message, offset, text);
        syntax.map_err(|invalid| self.errors(&invalid.errors, ErrorCode::GraphqlParseFailed, positions, place))
    }

    fn validate(
        &self,
        syntax: &ast::Document,
        text: &str,
        positions: &Positions<'_>,
    ) -> Result<Valid<ExecutableDocument>, Vec<RequestError>> {
        let refuse = |diagnostics: &DiagnosticList| {
            let place = |rule: Option<&str>, _: &str, offset| error_locations::offset_of(rule, offset, syntax, text);
            self.errors(diagnostics, ErrorCode::GraphqlValidationFailed, positions, place)
        };
        let document = match syntax.to_executable(&self.schema) {
            Ok(document) => document.validate(&self.schema).map_err(|invalid| refuse(&invalid.errors))?,
            Err(invalid) => return Err(refuse(&invalid.errors)),
        };
        let mut refused = input_values::check(&document, &self.schema, positions);
        if self.hides_names() {
            refused.iter_mut().for_each(|error| hidden_names::INPUT.clone_into(&mut error.public.message));
        }
        if refused.is_empty() { Ok(document) } else { Err(refused) }
    }

    /// The errors that apollo-compiler found. `place` returns the offset to report, for the rule, the message and the offset of a diagnostic.
    fn errors(
        &self,
        diagnostics: &DiagnosticList,
        code: ErrorCode,
        positions: &Positions<'_>,
        place: impl Fn(Option<&str>, &str, usize) -> usize,
    ) -> Vec<RequestError> {
        let error = |diagnostic: Diagnostic<'_, DiagnosticData>| {
            let rule = diagnostic.error.unstable_error_name();
            let text = diagnostic.error.to_string();
            let mut message = sentence(&text);
            if self.hides_names() {
                message = hidden_names::generic_message(rule, message);
            } else {
                message.extend(suggestion::of(&message, &self.schema));
            }
            let location = diagnostic.error.location();
            let locations = location.map(|span| positions.of_next(place(rule, &text, span.offset())));
            RequestError { public: PublicError::new(code, message), locations: locations.into_iter().collect() }
        };
        diagnostics.iter().take(MAX_ERRORS).map(error).collect()
    }
}

/// More than the depth of any document within the limits, and far below what would overflow the stack.
const RECURSION_LIMIT: usize = 200;

/// The text as a sentence: with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
