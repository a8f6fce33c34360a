//! Collecting the fields of a selection set from its fragments (`CollectFields`, section 6.3.2 of the specification).

use async_graphql::Positioned;
use async_graphql::parser::types::{Field, Selection, SelectionSet};

use super::translate::Fragments;

/// The fields of a selection set and of the fragments in it. Type conditions are ignored, because all of them hold at the root.
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
