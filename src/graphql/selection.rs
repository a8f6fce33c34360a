//! What a document selects, found out before anything walks it: the library follows every fragment spread each time it meets
//! it, so a document of one kilobyte could ask for more steps than there is time for, or nest deeper than a stack reaches.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};

/// The most fields and fragments that a document may come to once every spread is followed.
pub(super) const MAX_SELECTIONS: usize = 5_000;
/// The deepest nesting of fields and fragments.
pub(super) const MAX_DEPTH: usize = 40;
/// The most fields at the root of an operation.
pub(super) const MAX_ROOT_FIELDS: usize = 250;

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// What following a selection set to its end comes to.
#[derive(Clone, Copy, Default)]
struct Extent {
    selections: usize,
    depth: usize,
}

impl Extent {
    /// This one with another beside it.
    fn beside(self, other: Self) -> Self {
        Self { selections: self.selections.saturating_add(other.selections), depth: self.depth.max(other.depth) }
    }

    /// This one inside one more field or fragment.
    fn inside(self) -> Self {
        Self { selections: self.selections.saturating_add(1), depth: self.depth.saturating_add(1) }
    }
}

/// Whether the document stays within the bounds. What does may be walked by following every spread.
///
/// # Errors
/// What is too much of.
pub(super) fn check(document: &ExecutableDocument) -> Result<(), String> {
    let extents = fragment_extents(&document.fragments)?;
    for (_, operation) in document.operations.iter() {
        let extent = extent(&operation.node.selection_set.node, &extents).unwrap_or_default();
        if extent.selections > MAX_SELECTIONS {
            return Err(format!("A document may select at most {MAX_SELECTIONS} fields, those of fragments included."));
        }
        if extent.depth > MAX_DEPTH {
            return Err(format!("A document may nest fields and fragments at most {MAX_DEPTH} deep."));
        }
        if root_fields(&operation.node, document).len() > MAX_ROOT_FIELDS {
            return Err(format!("An operation may have at most {MAX_ROOT_FIELDS} fields at its root."));
        }
    }
    Ok(())
}

/// The extent of every fragment, each computed once, those that others spread first. No recursion along spreads: their
/// chain is as long as the client likes.
fn fragment_extents(fragments: &Fragments) -> Result<HashMap<&Name, Extent>, String> {
    let mut extents: HashMap<&Name, Extent> = HashMap::new();
    for root in fragments.keys() {
        let mut path = vec![root];
        while let Some(name) = path.last().copied() {
            let Some(fragment) = fragments.get(name).filter(|_| !extents.contains_key(name)) else {
                path.pop();
                continue;
            };
            let set = &fragment.node.selection_set.node;
            let missing =
                spreads(set).into_iter().find(|other| fragments.contains_key(*other) && !extents.contains_key(*other));
            match missing {
                Some(other) if path.contains(&other) => return Err("A fragment may not spread itself.".to_owned()),
                // A chain this long is too deep whatever it ends in.
                Some(_) if path.len() > MAX_DEPTH => {
                    return Err(format!("A document may nest fields and fragments at most {MAX_DEPTH} deep."));
                }
                Some(other) => path.push(other),
                None => {
                    extents.insert(name, extent(set, &extents).unwrap_or_default());
                    path.pop();
                }
            }
        }
    }
    Ok(extents)
}

/// The extent of a set, of whose spreads every extent is known. The parser bounds how deep a set itself nests.
fn extent(set: &SelectionSet, fragments: &HashMap<&Name, Extent>) -> Option<Extent> {
    let inside = |selection: &Positioned<Selection>| match &selection.node {
        Selection::Field(field) => extent(&field.node.selection_set.node, fragments).unwrap_or_default().inside(),
        Selection::InlineFragment(inline) => {
            extent(&inline.node.selection_set.node, fragments).unwrap_or_default().inside()
        }
        Selection::FragmentSpread(spread) => {
            fragments.get(&spread.node.fragment_name.node).copied().unwrap_or_default().inside()
        }
    };
    set.items.iter().map(inside).reduce(Extent::beside)
}

/// The names of all fragments that a set spreads.
fn spreads(set: &SelectionSet) -> Vec<&Name> {
    set.items
        .iter()
        .flat_map(|selection| match &selection.node {
            Selection::Field(field) => spreads(&field.node.selection_set.node),
            Selection::InlineFragment(inline) => spreads(&inline.node.selection_set.node),
            Selection::FragmentSpread(spread) => vec![&spread.node.fragment_name.node],
        })
        .collect()
}

/// The fields at the root of an operation, those of fragments included. Only for a document that passed [`check`], or up to
/// one more than it lets pass.
pub(super) fn root_fields<'a>(operation: &'a OperationDefinition, document: &'a ExecutableDocument) -> Vec<&'a Field> {
    let mut found = Vec::new();
    collect(&operation.selection_set.node, &document.fragments, &mut found);
    found
}

fn collect<'a>(set: &'a SelectionSet, fragments: &'a Fragments, found: &mut Vec<&'a Field>) {
    for selection in &set.items {
        if found.len() > MAX_ROOT_FIELDS {
            return;
        }
        match &selection.node {
            Selection::Field(field) => found.push(&field.node),
            Selection::InlineFragment(inline) => collect(&inline.node.selection_set.node, fragments, found),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    collect(&fragment.node.selection_set.node, fragments, found);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn passes(document: &str) -> bool {
        check(&parse_query(document).unwrap()).is_ok()
    }

    fn chain(links: usize, each: &str) -> String {
        let fragments = (0..links).map(|link| {
            let next = if link + 1 < links { each.replace('@', &format!("...f{}", link + 1)) } else { "a".to_owned() };
            format!("fragment f{link} on Query {{ {next} }}")
        });
        format!("{{ ...f0 }} {}", fragments.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn fragments_that_multiply_are_refused_as_quickly_as_they_are_written() {
        assert!(passes(&chain(8, "@ @")));
        for links in [20, 39, 2_000] {
            assert!(!passes(&chain(links, "@ @")), "{links}");
        }
    }

    #[test]
    fn a_chain_of_fragments_ends_before_any_stack_does() {
        assert!(passes(&chain(MAX_DEPTH - 1, "@")));
        for links in [MAX_DEPTH, MAX_DEPTH + 1, 30_000] {
            assert!(!passes(&chain(links, "@")), "{links}");
        }
    }

    #[test]
    fn a_circle_of_fragments_is_refused() {
        assert!(!passes("{ ...a } fragment a on Query { ...b } fragment b on Query { x ...a }"));
        assert!(!passes("{ x } fragment a on Query { ...a }"));
    }

    #[test]
    fn the_number_of_fields_is_bounded_at_the_root_and_over_all() {
        let fields = |count: usize| (0..count).map(|number| format!("f{number}: a ")).collect::<String>();
        for (count, good) in [(MAX_ROOT_FIELDS, true), (MAX_ROOT_FIELDS + 1, false)] {
            assert_eq!(passes(&format!("{{ {} }}", fields(count))), good, "{count}");
            assert_eq!(passes(&format!("{{ ...f }} fragment f on Query {{ {} }}", fields(count))), good, "{count}");
        }
        for (count, good) in [(MAX_SELECTIONS - 1, true), (MAX_SELECTIONS, false)] {
            assert_eq!(passes(&format!("{{ a {{ {} }} }}", fields(count))), good, "{count}");
        }
    }
}
