//! The plan of an operation: its root fields, collected and merged as in section 6.3.2 of the specification, in order, and without what
//! `@skip` and `@include` leave out.
//!
//! The executing library gets the plan as its document. By itself, it would execute a field as often as it is written, and would return
//! null for an object whose fields are all skipped.

use std::collections::HashMap;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value};

use crate::graphql::syntax::collect_fields::collect;
use crate::graphql::syntax::translate::Fragments;

/// The response key of the field that is added to selection sets that would be empty. No document can use it.
pub(crate) const PLACEHOLDER: &str = "\0";

/// Whether a selection in the operation or in a fragment has a directive.
pub(crate) fn has_directives(operation: &Positioned<OperationDefinition>, fragments: &Fragments) -> bool {
    fn within(set: &SelectionSet) -> bool {
        set.items.iter().any(|selection| {
            !selection.node.directives().is_empty()
                || match &selection.node {
                    Selection::Field(field) => within(&field.node.selection_set.node),
                    Selection::InlineFragment(inline) => within(&inline.node.selection_set.node),
                    Selection::FragmentSpread(_) => false,
                }
        })
    }
    within(&operation.node.selection_set.node)
        || fragments.values().any(|fragment| within(&fragment.node.selection_set.node))
}

/// Plans an operation. `variable` returns the value of a variable.
pub(crate) fn plan(
    operation: &Positioned<OperationDefinition>,
    fragments: &Fragments,
    variable: impl Fn(&Name) -> Value,
) -> ExecutableDocument {
    let mut operation = operation.clone();
    let mut fragments = reachable(&operation.node.selection_set.node, fragments);
    prune(&mut operation.node.selection_set.node, &variable);
    fragments.values_mut().for_each(|fragment| prune(&mut fragment.node.selection_set.node, &variable));
    let mut fields = Vec::new();
    collect(&operation.node.selection_set.node, &fragments, &mut fields);
    operation.node.selection_set.node.items = merge(fields);
    ExecutableDocument { operations: DocumentOperations::Single(operation), fragments }
}

/// The fragments that a selection set spreads, directly or through other fragments.
fn reachable(set: &SelectionSet, fragments: &Fragments) -> Fragments {
    let mut found = Fragments::new();
    let mut sets = vec![set];
    while let Some(set) = sets.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => sets.push(&field.node.selection_set.node),
                Selection::InlineFragment(inline) => sets.push(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = fragments.get(name).filter(|_| !found.contains_key(name)) {
                        found.insert(name.clone(), fragment.clone());
                        sets.push(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
    found
}

/// Removes the selections that directives leave out, and then the directives. A selection set that would be empty gets a placeholder.
fn prune(set: &mut SelectionSet, variable: &impl Fn(&Name) -> Value) {
    set.items
        .retain(|selection| selection.node.directives().iter().all(|directive| is_included(&directive.node, variable)));
    for selection in &mut set.items {
        selection.node.directives_mut().clear();
        match &mut selection.node {
            Selection::Field(field) if !field.node.selection_set.node.items.is_empty() => {
                prune(&mut field.node.selection_set.node, variable);
            }
            Selection::InlineFragment(inline) => prune(&mut inline.node.selection_set.node, variable),
            Selection::Field(_) | Selection::FragmentSpread(_) => {}
        }
    }
    if set.items.is_empty() {
        set.items.push(placeholder());
    }
}

fn placeholder() -> Positioned<Selection> {
    let here = Default::default();
    let field = Field {
        alias: Some(Positioned::new(Name::new(PLACEHOLDER), here)),
        name: Positioned::new(Name::new("__typename"), here),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(SelectionSet::default(), here),
    };
    Positioned::new(Selection::Field(Positioned::new(field, here)), here)
}

fn is_included(directive: &Directive, variable: &impl Fn(&Name) -> Value) -> bool {
    let condition = || {
        let value = directive.get_argument("if").map(|value| value.node.clone());
        let value = value.and_then(|value| value.into_const_with(|name| Ok::<_, ()>(variable(&name))).ok());
        value == Some(Value::Boolean(true))
    };
    match directive.name.node.as_str() {
        "skip" => !condition(),
        "include" => condition(),
        _ => true,
    }
}

/// Merges the fields of each response key, with all of their selections. In a valid document, they are the same field.
fn merge(fields: Vec<&Positioned<Field>>) -> Vec<Positioned<Selection>> {
    let mut merged: Vec<Positioned<Field>> = Vec::new();
    let mut places: HashMap<Name, usize> = HashMap::new();
    for field in fields {
        let key = field.node.response_key().node.clone();
        if key.as_str() == PLACEHOLDER {
            continue;
        }
        match places.get(&key).and_then(|place| merged.get_mut(*place)) {
            Some(first) => {
                let more = field.node.selection_set.node.items.iter().cloned();
                first.node.selection_set.node.items.extend(more);
            }
            None => {
                places.insert(key, merged.len());
                merged.push(field.clone());
            }
        }
    }
    merged.into_iter().map(|field| Positioned::new(Selection::Field(field.clone()), field.pos)).collect()
}

/// The root fields of a planned document.
pub(crate) fn root_fields(document: &ExecutableDocument) -> Vec<&Field> {
    let sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    sets.flat_map(|set| &set.items)
        .filter_map(|selection| match &selection.node {
            Selection::Field(field) => Some(&field.node),
            _ => None,
        })
        .collect()
}

/// Splits a plan into one document per root field, which are executed in series.
pub(crate) fn one_by_one(document: &ExecutableDocument) -> Vec<ExecutableDocument> {
    let operations = document.operations.iter().map(|(_, operation)| operation);
    let split = operations.flat_map(|operation| {
        operation.node.selection_set.node.items.iter().map(|field| {
            let mut operation = operation.clone();
            operation.node.selection_set.node.items = vec![field.clone()];
            operation
        })
    });
    split
        .map(|operation| ExecutableDocument {
            operations: DocumentOperations::Single(operation),
            fragments: document.fragments.clone(),
        })
        .collect()
}
