//! What of an operation is to be run: its root fields as section 6.3.2 of the specification collects them, in their order,
//! fields of one response key as one, and nothing that `@skip` or `@include` leaves out.
//!
//! The library that executes would run a field once for every time it is written, and takes an object all of whose fields
//! are skipped for null; so it is given a document in which neither happens.

use std::collections::HashMap;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value};

use crate::graphql::syntax::collect_fields::collect;
use crate::graphql::syntax::translate::Fragments;

/// The response key of a field that keeps an object from being empty. No document can name it.
pub(crate) const PLACEHOLDER: &str = "\0";

/// Whether the operation or a fragment has a directive.
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

/// The operation with its root fields collected, and with what is not to be run taken out. `variable` is what a variable
/// comes to.
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

/// The fragments that a set spreads, and those that they spread.
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

/// Takes out what is left out, and directives, which have then done their work. No set is left without a field.
fn prune(set: &mut SelectionSet, variable: &impl Fn(&Name) -> Value) {
    set.items
        .retain(|selection| selection.node.directives().iter().all(|directive| lets_run(&directive.node, variable)));
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

fn lets_run(directive: &Directive, variable: &impl Fn(&Name) -> Value) -> bool {
    let on = || {
        let value = directive.get_argument("if").map(|value| value.node.clone());
        let value = value.and_then(|value| value.into_const_with(|name| Ok::<_, ()>(variable(&name))).ok());
        value == Some(Value::Boolean(true))
    };
    match directive.name.node.as_str() {
        "skip" => !on(),
        "include" => on(),
        _ => true,
    }
}

/// One field for each response key, with what all of its kind select. A valid document selects the same field by one key.
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

/// The fields at the root of a planned document.
pub(crate) fn root_fields(document: &ExecutableDocument) -> Vec<&Field> {
    let sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    sets.flat_map(|set| &set.items)
        .filter_map(|selection| match &selection.node {
            Selection::Field(field) => Some(&field.node),
            _ => None,
        })
        .collect()
}

/// A planned document for each of its root fields, to be run one after the other.
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
