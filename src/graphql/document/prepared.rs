//! A prepared document: parsed and validated once, to be executed any number of times.

use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::ast::VariableDefinition;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType};
use async_graphql::{Name, Pos, Positioned, Value, Variables};

use crate::graphql::request_error::{RequestError, validation_error};
use crate::graphql::syntax::translate::Fragments;
use crate::graphql::validation::validator::ValidDocument;

use super::direct::query::DirectQuery;
use super::{plan, root_fields};

/// The operations of a valid document, ready to be executed.
#[derive(Debug)]
pub(crate) struct Prepared {
    operations: Vec<Operation>,
    selections: usize,
}

/// The approximate size of a parsed and planned field or fragment.
const BYTES_PER_SELECTION: usize = 600;

/// One operation, ready to be executed.
#[derive(Debug)]
pub(crate) struct Operation {
    name: Option<Name>,
    pub(crate) ty: OperationType,
    /// The variables that it declares, with their locations.
    pub(crate) variables: Vec<(Node<VariableDefinition>, Pos)>,
    definition: Positioned<OperationDefinition>,
    fragments: Arc<Fragments>,
    /// The plan, if it does not depend on variables.
    fixed: Option<ExecutableDocument>,
    /// The plan, if it can be answered without the executing library.
    pub(crate) direct: Option<DirectQuery>,
    /// Whether a client without a credential may execute it, because it has only introspection fields.
    pub(crate) anonymous: bool,
    /// Whether its input contains a value, which must not be in a URL (R9).
    pub(crate) takes_value: bool,
    /// Whether it has introspection of the schema.
    pub(crate) introspects: bool,
    /// The response keys of the nullable root fields.
    nullable: Vec<Name>,
}

/// A root field in the response.
#[derive(Clone, Debug)]
pub(crate) struct RootField {
    pub(crate) key: Name,
    /// Whether it is nullable.
    pub(crate) nullable: bool,
    /// Whether it issues a value, which is shown only once (R9).
    pub(crate) issues: bool,
}

impl Prepared {
    /// Prepares a valid document.
    pub(crate) fn new(document: ValidDocument) -> Self {
        let ValidDocument { parsed, validated, selections } = document;
        let (operations, fragments) = (parsed.operations, Arc::new(parsed.fragments));
        let named = match operations {
            DocumentOperations::Single(operation) => vec![(None, operation)],
            DocumentOperations::Multiple(operations) => {
                operations.into_iter().map(|(name, operation)| (Some(name), operation)).collect()
            }
        };
        let operations = named.into_iter().filter_map(|(name, definition)| {
            let validated_operation = validated.operations.get(name.as_deref()).ok()?;
            let fields: Vec<_> = validated_operation.root_fields(&validated).collect();
            let nullable = fields.iter().filter(|field| !field.ty().is_non_null());
            Some(Operation {
                ty: definition.node.ty,
                variables: {
                    let places = definition.node.variable_definitions.iter().map(|variable| variable.pos);
                    validated_operation.variables.iter().cloned().zip(places).collect()
                },
                anonymous: fields.iter().all(|field| field.name.starts_with("__")),
                takes_value: fields.iter().any(|field| root_fields::takes_value(&field.name)),
                introspects: fields.iter().any(|field| matches!(field.name.as_str(), "__schema" | "__type")),
                nullable: nullable.map(|field| Name::new(field.response_key().as_str())).collect(),
                fixed: None,
                direct: None,
                fragments: fragments.clone(),
                name,
                definition,
            })
        });
        Self { operations: operations.map(Operation::fixed).collect(), selections }
    }

    /// Its approximate size in bytes.
    pub(crate) fn weight(&self) -> u64 {
        self.selections.saturating_mul(BYTES_PER_SELECTION) as u64
    }

    /// The operation of this name, or the only one (GraphQL, section 6.1).
    ///
    /// # Errors
    /// When there is none, or several and no name.
    pub(crate) fn choose(&self, name: Option<&str>) -> Result<&Operation, RequestError> {
        match (name, self.operations.as_slice()) {
            (Some(wanted), operations) => operations
                .iter()
                .find(|operation| operation.name.as_deref() == Some(wanted))
                .ok_or_else(|| validation_error(format!("The document has no operation named {wanted}."))),
            (None, [only]) => Ok(only),
            (None, _) => {
                Err(validation_error("The document has several operations. Choose one with operationName.".to_owned()))
            }
        }
    }
}

impl Operation {
    fn fixed(mut self) -> Self {
        if !plan::has_directives(&self.definition, &self.fragments) {
            let document = plan::plan(&self.definition, &self.fragments, |_| Value::Null);
            self.direct = DirectQuery::of(&document);
            self.fixed = Some(document);
        }
        self
    }

    /// Its name, if it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its location in the document.
    pub(crate) fn place(&self) -> Pos {
        self.definition.pos
    }

    /// Whether it has a variable of this name.
    pub(crate) fn declares(&self, name: &str) -> bool {
        self.variables.iter().any(|(variable, _)| variable.name == name)
    }

    /// The plan for these variables.
    pub(crate) fn plan(&self, variables: &Variables) -> ExecutableDocument {
        match &self.fixed {
            Some(document) => document.clone(),
            None => plan::plan(&self.definition, &self.fragments, |name| self.variable(variables, name)),
        }
    }

    /// The value of a variable: as given, or its default, or null.
    pub(crate) fn variable(&self, variables: &Variables, name: &Name) -> Value {
        let default = || {
            let definitions = &self.definition.node.variable_definitions;
            let definition = definitions.iter().find(|definition| definition.node.name.node == *name)?;
            definition.node.default_value.as_ref().map(|value| value.node.clone())
        };
        variables.get(name).cloned().or_else(default).unwrap_or_default()
    }

    /// Whether the plan depends on directives.
    pub(crate) fn has_conditions(&self) -> bool {
        self.fixed.is_none()
    }

    /// A root field of the plan, as it must be in the response.
    pub(crate) fn root(&self, field: &Field) -> RootField {
        let key = field.response_key().node.clone();
        let issues = root_fields::issues_value(&field.name.node);
        RootField { nullable: self.nullable.contains(&key), issues, key }
    }
}
