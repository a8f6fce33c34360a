//! Rules for input values that apollo-compiler does not check: that a `DateTime` is valid (GraphQL, section 5.6.1), that the fields of an
//! input object are unique (section 5.6.3), and that the type of a variable fits inside a list or input object (section 5.8.5).

use std::collections::HashSet;

use apollo_compiler::ast::{Argument, InputValueDefinition, Type, Value, VariableDefinition};
use apollo_compiler::executable::Operation;
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{ExecutableDocument, Node, Schema};

use crate::domain::timestamp::Timestamp;
use crate::graphql::request_error::{RequestError, validation_error};
use crate::graphql::syntax::positions::Positions;

/// The only custom scalar.
pub(crate) const DATE_TIME: &str = "DateTime";

/// Why a text is not a valid `DateTime`; `None` if it is.
pub(crate) fn date_time_problem(text: &str) -> Option<String> {
    Timestamp::parse(text).err().map(|err| err.to_string())
}

/// The errors in the input values of a document.
pub(crate) fn check(document: &ExecutableDocument, schema: &Schema, positions: &Positions<'_>) -> Vec<RequestError> {
    let mut errors = Vec::new();
    for operation in document.operations.iter() {
        let mut visit = Visit { schema, positions, variables: &operation.variables, errors: &mut errors };
        visit.operation(operation, document);
    }
    errors
}

/// Visits the input values of an operation.
struct Visit<'a> {
    schema: &'a Schema,
    positions: &'a Positions<'a>,
    variables: &'a [Node<VariableDefinition>],
    errors: &'a mut Vec<RequestError>,
}

impl Visit<'_> {
    fn operation(&mut self, operation: &Operation, document: &ExecutableDocument) {
        for variable in &operation.variables {
            if let Some(value) = &variable.default_value {
                self.value(&variable.ty, false, value);
            }
        }
        // Unused fragments are invalid, so this reaches all fields.
        for field in operation.all_fields(document) {
            self.arguments(&field.arguments, &field.definition.arguments);
        }
    }

    fn arguments(&mut self, arguments: &[Node<Argument>], definitions: &[Node<InputValueDefinition>]) {
        for argument in arguments {
            if let Some(definition) = definitions.iter().find(|definition| definition.name == argument.name) {
                self.value(&definition.ty, definition.default_value.is_some(), &argument.value);
            }
        }
    }

    /// A value at a place of this type; `defaulted` if the place has a default value.
    fn value(&mut self, ty: &Type, defaulted: bool, value: &Node<Value>) {
        match &**value {
            Value::Variable(name) => {
                let declared = self.variables.iter().find(|variable| variable.name == *name);
                if let Some(declared) = declared.filter(|declared| !may_stand(declared, ty, defaulted)) {
                    let message = format!(
                        "The variable `${name}` has the type `{}`, but a `{ty}` is expected here.",
                        declared.ty
                    );
                    self.refuse(value.location(), message);
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.value(ty.item_type(), false, item)),
            Value::Object(fields) => {
                let Some(ExtendedType::InputObject(input)) = self.schema.types.get(ty.inner_named_type()) else {
                    return;
                };
                let mut seen = HashSet::new();
                for (name, value) in fields {
                    if !seen.insert(name) {
                        self.refuse(name.location(), format!("The input field `{name}` is given more than once."));
                    }
                    if let Some(definition) = input.fields.get(name) {
                        self.value(&definition.ty, definition.default_value.is_some(), value);
                    }
                }
            }
            Value::Null => {}
            Value::String(text) if ty.inner_named_type() == DATE_TIME => {
                if let Some(error) = date_time_problem(text) {
                    self.refuse(value.location(), format!("A DateTime is {error}."));
                }
            }
            _ if ty.inner_named_type() == DATE_TIME => {
                self.refuse(value.location(), "A DateTime is written as a string.".to_owned());
            }
            _ => {}
        }
    }

    fn refuse(&mut self, span: Option<SourceSpan>, message: String) {
        let place = span.map(|span| self.positions.of_next(span.offset()));
        self.errors.push(place.into_iter().fold(validation_error(message), RequestError::at));
    }
}

/// `IsVariableUsageAllowed` of section 5.8.5.
fn may_stand(variable: &VariableDefinition, place: &Type, defaulted: bool) -> bool {
    let has_default = variable.default_value.as_ref().is_some_and(|default| !default.is_null());
    if place.is_non_null() && !variable.ty.is_non_null() {
        return (has_default || defaulted) && are_compatible(&variable.ty, &place.clone().nullable());
    }
    are_compatible(&variable.ty, place)
}

/// `AreTypesCompatible` of section 5.8.5.
fn are_compatible(variable: &Type, place: &Type) -> bool {
    match (variable, place) {
        (Type::NonNullNamed(variable), Type::NonNullNamed(place) | Type::Named(place))
        | (Type::Named(variable), Type::Named(place)) => variable == place,
        (Type::NonNullList(variable), Type::NonNullList(place) | Type::List(place))
        | (Type::List(variable), Type::List(place)) => are_compatible(variable, place),
        _ => false,
    }
}
