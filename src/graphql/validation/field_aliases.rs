//! The limit of aliases of one field in one selection set. Each alias multiplies the response, but hardly enlarges the request.
//!
//! Fields are counted after they are collected and merged (GraphQL, section 6.3.2), because they may be in any number of fragments.

use std::collections::HashMap;

use async_graphql::Positioned;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, SelectionSet};

use crate::graphql::request_error::{RequestError, validation_error};
use crate::graphql::syntax::collect_fields::collect;
use crate::graphql::syntax::translate::Fragments;

/// Checks the limit for every selection set of a document. `limits` must have accepted it.
///
/// # Errors
/// The first field that exceeds the limit.
pub(crate) fn check(document: &ExecutableDocument, max_aliases: usize) -> Result<(), RequestError> {
    let sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    sets.into_iter().try_for_each(|set| check_sets(&[set], &document.fragments, max_aliases))
}

/// Checks selection sets of the same object, which are merged. The recursion is as deep as the document.
fn check_sets(sets: &[&SelectionSet], fragments: &Fragments, max_aliases: usize) -> Result<(), RequestError> {
    let mut fields = Vec::new();
    sets.iter().for_each(|set| collect(set, fragments, &mut fields));
    let mut names: HashMap<&str, usize> = HashMap::new();
    let mut inside: IndexMap<&str, Vec<&SelectionSet>> = IndexMap::new();
    for Positioned { node: field, pos } in fields {
        let name = field.name.node.as_str();
        let inside = inside.entry(field.response_key().node.as_str()).or_insert_with(|| {
            *names.entry(name).or_default() += 1;
            Vec::new()
        });
        inside.push(&field.selection_set.node);
        if names.get(name).is_some_and(|aliases| *aliases > max_aliases) {
            let message = format!(
                "The field {name} has more than {max_aliases} aliases in one selection set. Send several requests."
            );
            return Err(validation_error(message).at(*pos));
        }
    }
    inside.values().try_for_each(|sets| check_sets(sets, fragments, max_aliases))
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn the_aliases_of_a_field_are_counted_in_each_merged_selection_set() {
        for (document, names) in [
            ("{ a }", 1),
            ("{ a a b a }", 1),
            ("{ a x: a y: a b z: b }", 3),
            ("{ a { x: b } c { y: b } }", 1),
            ("{ a { x: b } a { y: b } d: a { z: b } }", 2),
            ("{ x: a ... { y: a } ...f } fragment f on T { z: a ...g } fragment g on T { a }", 4),
            ("{ a { b { x: c } } a { b { y: c } } ...f } fragment f on T { a { b { z: c } } }", 3),
            ("mutation { a x: a } query b { y: a z: a c: a }", 3),
        ] {
            let document_of = parse_query(document.replace("query b", "query B").replace("mutation {", "mutation A {"));
            let parsed = document_of.unwrap();
            assert!(check(&parsed, names).is_ok(), "{document}");
            assert!(check(&parsed, names - 1).is_err(), "{document}");
        }
    }
}
