//! The limits of a document, checked before anything traverses it. The libraries expand every fragment spread each time that they meet it,
//! so a document of one kilobyte could take forever, or overflow the stack.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned};

use crate::graphql::request_error::{RequestError, validation_error};
use crate::graphql::settings::Settings;
use crate::graphql::syntax::translate::Fragments;

/// The most fields and fragments of a document, with every spread expanded.
const MAX_SELECTIONS: usize = 5_000;
/// The most operations in a document.
const MAX_OPERATIONS: usize = 50;
/// The list fields of introspection that lead from a type to other types, so that each level multiplies the response.
const INTROSPECTED_LISTS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];
/// How deep these list fields may be nested. The queries of client generators nest one.
const MAX_INTROSPECTED_LISTS: usize = 2;
/// The most root fields of an operation.
const MAX_ROOT_FIELDS: usize = 250;

/// The size of a selection set, with every spread expanded.
#[derive(Clone, Copy, Default)]
struct Extent {
    selections: usize,
    depth: usize,
    /// How deep list fields of introspection are nested.
    lists: usize,
}

impl Extent {
    /// This and another one, side by side.
    fn beside(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            depth: self.depth.max(other.depth),
            lists: self.lists.max(other.lists),
        }
    }

    /// This one inside a field or fragment.
    fn inside(self) -> Self {
        Self { selections: self.selections.saturating_add(1), depth: self.depth.saturating_add(1), lists: self.lists }
    }

    /// This one inside a field of this name.
    fn inside_field(self, name: &str) -> Self {
        let list = INTROSPECTED_LISTS.contains(&name);
        let inside = self.inside();
        Self { lists: inside.lists.saturating_add(usize::from(list)), ..inside }
    }
}

/// Checks the limits, after which every spread of the document may be expanded. Returns the number of fields and fragments with every
/// spread expanded.
///
/// # Errors
/// The limit that the document exceeds.
pub(crate) fn check(document: &ExecutableDocument, settings: &Settings) -> Result<usize, RequestError> {
    let written = written(document);
    for (count, limit, what) in [
        (written.aliases, settings.max_aliases, "aliases"),
        (written.directives, settings.max_directives, "directives"),
    ] {
        if count > limit {
            return Err(validation_error(format!("A document may have at most {limit} {what}.")));
        }
    }
    let extents = fragment_extents(&document.fragments, settings.max_depth)?;
    if document.operations.iter().len() > MAX_OPERATIONS {
        return Err(validation_error(format!("A document may have at most {MAX_OPERATIONS} operations.")));
    }
    let mut selections: usize = 0;
    let mut operations: Vec<_> = document.operations.iter().map(|(_, operation)| operation).collect();
    operations.sort_by_key(|operation| operation.pos);
    for operation in operations {
        let refuse = |message: String| Err(validation_error(message).at(operation.pos));
        let extent = extent(&operation.node.selection_set.node, &extents).unwrap_or_default();
        selections = selections.saturating_add(extent.selections);
        if selections > MAX_SELECTIONS {
            return refuse(format!(
                "A document may select at most {MAX_SELECTIONS} fields, including those of fragments."
            ));
        }
        if extent.depth > settings.max_depth {
            return refuse(too_deep(settings.max_depth));
        }
        if extent.lists > MAX_INTROSPECTED_LISTS {
            return refuse(format!("Introspection may nest list fields at most {MAX_INTROSPECTED_LISTS} deep."));
        }
        if root_fields(&operation.node, document) > MAX_ROOT_FIELDS {
            return refuse(format!("An operation may have at most {MAX_ROOT_FIELDS} root fields."));
        }
    }
    Ok(selections)
}

fn too_deep(max_depth: usize) -> String {
    format!("A document may nest fields and fragments at most {max_depth} deep.")
}

/// How many aliases and directives are written in a document.
#[derive(Default)]
struct Written {
    aliases: usize,
    directives: usize,
}

fn written(document: &ExecutableDocument) -> Written {
    let mut written = Written::default();
    for (_, operation) in document.operations.iter() {
        let variables = operation.node.variable_definitions.iter();
        written.directives +=
            operation.node.directives.len() + variables.map(|variable| variable.node.directives.len()).sum::<usize>();
        written.add(&operation.node.selection_set.node);
    }
    for fragment in document.fragments.values() {
        written.directives += fragment.node.directives.len();
        written.add(&fragment.node.selection_set.node);
    }
    written
}

impl Written {
    fn add(&mut self, set: &SelectionSet) {
        for selection in &set.items {
            self.directives += selection.node.directives().len();
            match &selection.node {
                Selection::Field(field) => {
                    self.aliases += usize::from(field.node.alias.is_some());
                    self.add(&field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => self.add(&inline.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
}

/// The extent of every fragment, computed once, after those of the fragments that it spreads. This does not recurse along spreads, because
/// their chain may be of any length.
fn fragment_extents(fragments: &Fragments, max_depth: usize) -> Result<HashMap<&Name, Extent>, RequestError> {
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
                Some(other) if path.contains(&other) => {
                    return Err(validation_error("A fragment may not spread itself.".to_owned()).at(fragment.pos));
                }
                // A chain of this length is too deep in any case.
                Some(_) if path.len() > max_depth => return Err(validation_error(too_deep(max_depth)).at(fragment.pos)),
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

/// The extent of a selection set, given those of the fragments that it spreads. The parser limits the nesting of the set itself.
fn extent(set: &SelectionSet, fragments: &HashMap<&Name, Extent>) -> Option<Extent> {
    let inside = |selection: &Positioned<Selection>| match &selection.node {
        Selection::Field(field) => {
            let below = extent(&field.node.selection_set.node, fragments).unwrap_or_default();
            below.inside_field(&field.node.name.node)
        }
        Selection::InlineFragment(inline) => {
            extent(&inline.node.selection_set.node, fragments).unwrap_or_default().inside()
        }
        Selection::FragmentSpread(spread) => {
            fragments.get(&spread.node.fragment_name.node).copied().unwrap_or_default().inside()
        }
    };
    set.items.iter().map(inside).reduce(Extent::beside)
}

/// The names of all fragments that a selection set spreads.
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

/// The number of root fields of an operation, including those in fragments. Counting stops above the limit.
fn root_fields(operation: &OperationDefinition, document: &ExecutableDocument) -> usize {
    let mut found = 0;
    count(&operation.selection_set.node, &document.fragments, &mut found);
    found
}

fn count(set: &SelectionSet, fragments: &Fragments, found: &mut usize) {
    for selection in &set.items {
        if *found > MAX_ROOT_FIELDS {
            return;
        }
        match &selection.node {
            Selection::Field(_) => *found += 1,
            Selection::InlineFragment(inline) => count(&inline.node.selection_set.node, fragments, found),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    count(&fragment.node.selection_set.node, fragments, found);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    const MAX_DEPTH: usize = 30;

    fn passes(document: &str) -> bool {
        let settings =
            Settings { max_aliases: usize::MAX, max_depth: MAX_DEPTH, max_directives: 3, ..Settings::default() };
        check(&parse_query(document).unwrap(), &settings).is_ok()
    }

    fn chain(links: usize, each: &str) -> String {
        let fragments = (0..links).map(|link| {
            let next = if link + 1 < links { each.replace('@', &format!("...f{}", link + 1)) } else { "a".to_owned() };
            format!("fragment f{link} on Query {{ {next} }}")
        });
        format!("{{ ...f0 }} {}", fragments.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn fragments_that_multiply_are_refused_in_linear_time() {
        assert!(passes(&chain(8, "@ @")));
        for links in [20, 39, 2_000] {
            assert!(!passes(&chain(links, "@ @")), "{links}");
        }
    }

    #[test]
    fn a_chain_of_fragments_cannot_overflow_the_stack() {
        assert!(passes(&chain(MAX_DEPTH - 1, "@")));
        for links in [MAX_DEPTH, MAX_DEPTH + 1, 30_000] {
            assert!(!passes(&chain(links, "@")), "{links}");
        }
    }

    #[test]
    fn a_cycle_of_fragments_is_refused() {
        assert!(!passes("{ ...a } fragment a on Query { ...b } fragment b on Query { x ...a }"));
        assert!(!passes("{ x } fragment a on Query { ...a }"));
    }

    #[test]
    fn the_number_of_fields_is_limited_at_the_root_and_in_total() {
        let fields = |count: usize| (0..count).map(|number| format!("f{number}: a ")).collect::<String>();
        for (count, good) in [(MAX_ROOT_FIELDS, true), (MAX_ROOT_FIELDS + 1, false)] {
            assert_eq!(passes(&format!("{{ {} }}", fields(count))), good, "{count}");
            assert_eq!(passes(&format!("{{ ...f }} fragment f on Query {{ {} }}", fields(count))), good, "{count}");
        }
        for (count, good) in [(MAX_SELECTIONS - 1, true), (MAX_SELECTIONS, false)] {
            assert_eq!(passes(&format!("{{ a {{ {} }} }}", fields(count))), good, "{count}");
        }
    }

    #[test]
    fn aliases_and_directives_are_counted_everywhere() {
        let settings = |max_aliases, max_directives| Settings { max_aliases, max_directives, ..Settings::default() };
        let document = parse_query(
            "query($v: Boolean @a) @b { x: c @d { y: e } ... @f { z: g } ...h @i } fragment h on Query @j { w: k }",
        )
        .unwrap();
        for (aliases, directives, good) in [(4, 6, true), (3, 6, false), (4, 5, false)] {
            assert_eq!(check(&document, &settings(aliases, directives)).is_ok(), good, "{aliases} {directives}");
        }
    }
}
