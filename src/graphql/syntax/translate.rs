//! Translates the syntax tree of the validating library into that of the executing library.
//!
//! A document is parsed once, so that literals and locations are the same for both libraries. The executing library's own parser has an
//! older grammar, reads some strings differently, and counts lines differently.

use std::collections::HashMap;

use apollo_compiler::{Name as AstName, Node, ast};
use async_graphql::parser::types::{
    BaseType, Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, FragmentSpread,
    InlineFragment, OperationDefinition, OperationType, Selection, SelectionSet, Type, TypeCondition,
    VariableDefinition,
};
use async_graphql::{Name, Number, Pos, Positioned};
use async_graphql_value::Value;

use super::positions::Positions;

/// The fragments of a document by name.
pub(crate) type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Translates the operations and fragments of a document. Of several with the same name, which is invalid, only the first is kept.
pub(crate) fn translate(document: &ast::Document, positions: &Positions<'_>) -> ExecutableDocument {
    let translation = Translation { positions };
    let mut operations = Vec::new();
    let mut fragments = HashMap::new();
    for definition in &document.definitions {
        match definition {
            ast::Definition::OperationDefinition(operation) => operations.push(translation.operation(operation)),
            ast::Definition::FragmentDefinition(fragment) => {
                let entry = fragments.entry(Name::new(fragment.name.as_str()));
                entry.or_insert_with(|| translation.fragment(fragment));
            }
            // Validation refuses all others.
            _ => {}
        }
    }
    let operations = match (operations.len(), operations.pop()) {
        (1, Some((None, only))) => DocumentOperations::Single(only),
        (_, last) => {
            let mut named = HashMap::new();
            for (name, operation) in operations.into_iter().chain(last) {
                named.entry(name.unwrap_or_else(|| Name::new(""))).or_insert(operation);
            }
            DocumentOperations::Multiple(named)
        }
    };
    ExecutableDocument { operations, fragments }
}

struct Translation<'a> {
    positions: &'a Positions<'a>,
}

impl Translation<'_> {
    fn place<T>(&self, node: &Node<T>) -> Pos {
        node.location().map(|span| self.positions.of_next(span.offset())).unwrap_or_default()
    }

    fn name(&self, name: &AstName) -> Positioned<Name> {
        let place = name.location().map(|span| self.positions.at(span.offset())).unwrap_or_default();
        Positioned::new(Name::new(name.as_str()), place)
    }

    fn operation(&self, operation: &Node<ast::OperationDefinition>) -> (Option<Name>, Positioned<OperationDefinition>) {
        let place = self.place(operation);
        let definition = OperationDefinition {
            ty: match operation.operation_type {
                ast::OperationType::Query => OperationType::Query,
                ast::OperationType::Mutation => OperationType::Mutation,
                ast::OperationType::Subscription => OperationType::Subscription,
            },
            variable_definitions: operation.variables.iter().map(|variable| self.variable(variable)).collect(),
            directives: self.directives(&operation.directives),
            selection_set: self.set(&operation.selection_set, place),
        };
        (operation.name.as_ref().map(|name| Name::new(name.as_str())), Positioned::new(definition, place))
    }

    fn variable(&self, variable: &Node<ast::VariableDefinition>) -> Positioned<VariableDefinition> {
        let default = variable.default_value.as_ref().map(|value| self.value(value));
        let definition = VariableDefinition {
            name: self.name(&variable.name),
            var_type: Positioned::new(type_of(&variable.ty), self.place(&variable.ty)),
            directives: self.directives(&variable.directives),
            default_value: default.and_then(|value| Some(Positioned::new(value.node.into_const()?, value.pos))),
        };
        Positioned::new(definition, self.place(variable))
    }

    fn fragment(&self, fragment: &Node<ast::FragmentDefinition>) -> Positioned<FragmentDefinition> {
        let place = self.place(fragment);
        let definition = FragmentDefinition {
            type_condition: self.condition(&fragment.type_condition),
            directives: self.directives(&fragment.directives),
            selection_set: self.set(&fragment.selection_set, place),
        };
        Positioned::new(definition, place)
    }

    fn condition(&self, name: &AstName) -> Positioned<TypeCondition> {
        let on = self.name(name);
        let place = on.pos;
        Positioned::new(TypeCondition { on }, place)
    }

    fn set(&self, selections: &[ast::Selection], place: Pos) -> Positioned<SelectionSet> {
        let items = selections.iter().map(|selection| self.selection(selection)).collect();
        Positioned::new(SelectionSet { items }, place)
    }

    fn selection(&self, selection: &ast::Selection) -> Positioned<Selection> {
        match selection {
            ast::Selection::Field(field) => {
                let place = self.place(field);
                let translated = Field {
                    alias: field.alias.as_ref().map(|alias| self.name(alias)),
                    name: self.name(&field.name),
                    arguments: self.arguments(&field.arguments),
                    directives: self.directives(&field.directives),
                    selection_set: self.set(&field.selection_set, place),
                };
                Positioned::new(Selection::Field(Positioned::new(translated, place)), place)
            }
            ast::Selection::FragmentSpread(spread) => {
                let place = self.place(spread);
                let translated = FragmentSpread {
                    fragment_name: self.name(&spread.fragment_name),
                    directives: self.directives(&spread.directives),
                };
                Positioned::new(Selection::FragmentSpread(Positioned::new(translated, place)), place)
            }
            ast::Selection::InlineFragment(inline) => {
                let place = self.place(inline);
                let translated = InlineFragment {
                    type_condition: inline.type_condition.as_ref().map(|name| self.condition(name)),
                    directives: self.directives(&inline.directives),
                    selection_set: self.set(&inline.selection_set, place),
                };
                Positioned::new(Selection::InlineFragment(Positioned::new(translated, place)), place)
            }
        }
    }

    fn directives(&self, directives: &ast::DirectiveList) -> Vec<Positioned<Directive>> {
        let directive = |directive: &Node<ast::Directive>| {
            let translated =
                Directive { name: self.name(&directive.name), arguments: self.arguments(&directive.arguments) };
            Positioned::new(translated, self.place(directive))
        };
        directives.iter().map(directive).collect()
    }

    fn arguments(&self, arguments: &[Node<ast::Argument>]) -> Vec<(Positioned<Name>, Positioned<Value>)> {
        arguments.iter().map(|argument| (self.name(&argument.name), self.value(&argument.value))).collect()
    }

    fn value(&self, value: &Node<ast::Value>) -> Positioned<Value> {
        Positioned::new(value_of(value), self.place(value))
    }
}

fn value_of(value: &ast::Value) -> Value {
    match value {
        ast::Value::Null => Value::Null,
        ast::Value::Enum(name) => Value::Enum(Name::new(name.as_str())),
        ast::Value::Variable(name) => Value::Variable(Name::new(name.as_str())),
        ast::Value::String(text) => Value::String(text.clone()),
        ast::Value::Boolean(yes) => Value::Boolean(*yes),
        ast::Value::Int(number) => integer(number.as_str()),
        ast::Value::Float(number) => {
            number.try_to_f64().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
        }
        ast::Value::List(items) => Value::List(items.iter().map(|item| value_of(item)).collect()),
        ast::Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (Name::new(name.as_str()), value_of(value))).collect())
        }
    }
}

/// An integer. One that does not fit into 64 bits can only be an `ID`, which is a string.
fn integer(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), |number| Value::Number(number.into()))
}

fn type_of(ty: &ast::Type) -> Type {
    let (base, nullable) = match ty {
        ast::Type::Named(name) => (BaseType::Named(Name::new(name.as_str())), true),
        ast::Type::NonNullNamed(name) => (BaseType::Named(Name::new(name.as_str())), false),
        ast::Type::List(item) => (BaseType::List(Box::new(type_of(item))), true),
        ast::Type::NonNullList(item) => (BaseType::List(Box::new(type_of(item))), false),
    };
    Type { base, nullable }
}
