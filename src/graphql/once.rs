//! One document may rotate a given API token once (R7).
//!
//! Checked on the document, before anything runs: a second rotation that failed half way would turn the whole answer to
//! null (GraphQL, section 6.4.4) and take the first one's new value with it.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value, Variables};

const ROTATE: &str = "rotateAPIToken";

/// Whether the operation would rotate the same API token more than once. `own` is the caller's id: naming it means the
/// same token as naming none.
pub(super) fn rotates_twice(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
    own: Option<&str>,
) -> bool {
    document.operations.iter().any(|(name, operation)| {
        let meant = operation_name.is_none_or(|wanted| name.is_some_and(|name| name == wanted));
        if !meant || operation.node.ty != OperationType::Mutation {
            return false;
        }
        let mut fields = Vec::new();
        collect(&operation.node.selection_set.node, &document.fragments, &mut HashSet::new(), &mut fields);
        let mut seen = HashSet::new();
        fields.iter().any(|field| {
            let target = target(field, variables);
            !seen.insert(target.filter(|id| Some(id.as_str()) != own))
        })
    })
}

/// All rotations at the root, those in fragments included.
fn collect<'a>(
    set: &'a SelectionSet,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    entered: &mut HashSet<&'a Name>,
    fields: &mut Vec<&'a Field>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) if field.node.name.node == ROTATE => fields.push(&field.node),
            Selection::Field(_) => {}
            Selection::InlineFragment(inline) => collect(&inline.node.selection_set.node, fragments, entered, fields),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                // Entering a fragment twice on one path would never end; validation refuses such a document later.
                if let Some(fragment) = fragments.get(name).filter(|_| entered.insert(name)) {
                    collect(&fragment.node.selection_set.node, fragments, entered, fields);
                    entered.remove(name);
                }
            }
        }
    }
}

/// The id that a rotation names, if it names one.
fn target(field: &Field, variables: &Variables) -> Option<String> {
    let input = field.get_argument("input")?.node.clone();
    let resolved = input.into_const_with(|name| Ok::<_, ()>(variables.get(&name).cloned().unwrap_or_default())).ok()?;
    let Value::Object(fields) = resolved else { return None };
    match fields.get("id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    }
}
