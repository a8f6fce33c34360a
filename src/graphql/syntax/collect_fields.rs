//! The fields that a selection set asks for, wherever they are written.

use async_graphql::Positioned;
use async_graphql::parser::types::{Field, Selection, SelectionSet};

use super::translate::Fragments;

/// The fields of a set, those of fragments included, whatever their type conditions are: at the root every one of them holds.
pub(crate) fn collect<'a>(set: &'a SelectionSet, fragments: &'a Fragments, found: &mut Vec<&'a Positioned<Field>>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => found.push(field),
            Selection::InlineFragment(inline) => collect(&inline.node.selection_set.node, fragments, found),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    collect(&fragment.node.selection_set.node, fragments, found);
                }
            }
        }
    }
}
