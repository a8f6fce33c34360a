//! One document may rotate a given API token once (R7).
//!
//! Checked on the document, before anything runs, so that whoever breaks the rule has lost nothing by it.

use std::collections::HashSet;

use async_graphql::parser::types::{Field, OperationDefinition, OperationType};
use async_graphql::{Name, Value, Variables};

const ROTATE: &str = "rotateAPIToken";

/// Whether the operation would rotate the same API token more than once. `own` is the caller's id: naming it means the
/// same token as naming none.
pub(super) fn rotates_twice(
    operation: &OperationDefinition,
    root_fields: &[&Field],
    variables: &Variables,
    own: Option<&str>,
) -> bool {
    let rotations = root_fields.iter().filter(|field| field.name.node == ROTATE);
    let mut seen = HashSet::new();
    operation.ty == OperationType::Mutation
        && rotations
            .map(|field| target(field, operation, variables).filter(|id| Some(id.as_str()) != own))
            .any(|target| !seen.insert(target))
}

/// The id that a rotation names, if it names one.
fn target(field: &Field, operation: &OperationDefinition, variables: &Variables) -> Option<String> {
    let input = field.get_argument("input")?.node.clone();
    let default = |name: &str| {
        let definition = operation.variable_definitions.iter().find(|definition| definition.node.name.node == name)?;
        definition.node.default_value.as_ref().map(|value| value.node.clone())
    };
    let resolve =
        |name: Name| Ok::<_, ()>(variables.get(&name).cloned().or_else(|| default(&name)).unwrap_or_default());
    let Value::Object(fields) = input.into_const_with(resolve).ok()? else { return None };
    match fields.get("id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    }
}
