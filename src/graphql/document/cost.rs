//! The cost of an operation: an estimate of the number of fields in its response. A field costs 1, a root field 10, and the fields of a
//! page are multiplied by its size, those of an answer for each input by the number of inputs. A field that counts what is not shown costs as much as showing it.

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Value};

use crate::domain::listing::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE};
use crate::domain::value_use::MAX_SHOWN_USERS;

use super::plan::root_fields;
use super::root_fields::{is_page, takes_values};
use crate::graphql::syntax::translate::Fragments;

/// The cost of a root field, which is a use case, besides the fields below it.
const ROOT: u64 = 10;

/// The list fields that multiply the cost of what is below them: those of introspection, with the approximate number of their items, and
/// the users of a value, with the most that are shown.
const PARTS: [(&str, u64); 11] = [
    ("users", MAX_SHOWN_USERS as u64),
    // Counted for each request.
    ("progress", 10),
    ("types", 60),
    ("fields", 20),
    ("inputFields", 15),
    ("enumValues", 10),
    ("args", 5),
    ("directives", 6),
    ("locations", 5),
    ("interfaces", 2),
    ("possibleTypes", 2),
];

/// A count of users, for which they are all read.
const COUNT_OF_OTHERS: &str = "otherUserCount";

/// The introspection cost of a planned document, counted like any other cost. It has a separate limit, because it needs no database,
/// and the query of every client generator costs more than any page.
pub(crate) fn cost_of_introspection(document: &ExecutableDocument) -> u64 {
    let asked = root_fields(document).into_iter().filter(|field| is_introspection(field));
    asked.fold(0, |sum, field| sum.saturating_add(below(&field.selection_set.node, &document.fragments)))
}

fn is_introspection(field: &Field) -> bool {
    matches!(field.name.node.as_str(), "__schema" | "__type")
}

/// The cost of a planned document, without introspection. `validation::limits` must have accepted it.
pub(crate) fn cost(document: &ExecutableDocument, variable: &impl Fn(&Name) -> Value) -> u64 {
    let fields = root_fields(document).into_iter().filter(|field| !is_introspection(field));
    fields.fold(0, |sum, field| {
        let items = below(&field.selection_set.node, &document.fragments).saturating_mul(items(field, variable));
        sum.saturating_add(ROOT).saturating_add(items)
    })
}

fn below(set: &SelectionSet, fragments: &Fragments) -> u64 {
    set.items.iter().fold(0, |sum: u64, selection| {
        sum.saturating_add(match &selection.node {
            Selection::Field(field) => {
                let name = field.node.name.node.as_str();
                let own = if name == COUNT_OF_OTHERS { MAX_SHOWN_USERS as u64 } else { 1 };
                let parts = PARTS.iter().find(|(part, _)| name == *part).map_or(1, |(_, parts)| *parts);
                below(&field.node.selection_set.node, fragments).saturating_mul(parts).saturating_add(own)
            }
            Selection::InlineFragment(inline) => below(&inline.node.selection_set.node, fragments),
            Selection::FragmentSpread(spread) => fragments
                .get(&spread.node.fragment_name.node)
                .map_or(0, |fragment| below(&fragment.node.selection_set.node, fragments)),
        })
    })
}

/// How many items a root field may return.
fn items(field: &Field, variable: &impl Fn(&Name) -> Value) -> u64 {
    let argument =
        |name: &str| field.get_argument(name)?.node.clone().into_const_with(|name| Ok::<_, ()>(variable(&name))).ok();
    if takes_values(&field.name.node) {
        return match argument("inputs") {
            Some(Value::List(inputs)) => u64::try_from(inputs.len()).unwrap_or(u64::MAX),
            // A single input stands for a list of one (GraphQL, section 3.11).
            _ => 1,
        };
    }
    if !is_page(&field.name.node) {
        return 1;
    }
    // A mutation has its arguments in one input.
    let input = argument("input");
    let in_input = |name: &str| if let Some(Value::Object(fields)) = &input { fields.get(name).cloned() } else { None };
    let asked = ["first", "last"].into_iter().find_map(|name| match argument(name).or_else(|| in_input(name))? {
        Value::Number(size) => size.as_u64(),
        _ => None,
    });
    // The use case refuses larger pages.
    asked.map_or(u64::from(DEFAULT_PAGE_SIZE), |size| size.clamp(1, u64::from(MAX_PAGE_SIZE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the text, and in a variable.
    #[test]
    fn the_answer_costs_as_often_as_there_are_inputs() {
        let document = |inputs: &str| {
            let query =
                format!("query($more: [I!]!) {{ verifyAPITokens(inputs: {inputs}) {{ valid token {{ id }} }} }}");
            async_graphql::parser::parse_query(query).unwrap()
        };
        let more = Value::List(vec![Value::Null; 100]);
        for (inputs, expected) in [(r#"{value: "a"}"#, 13), (r#"[{value: "a"}, {value: "b"}]"#, 16), ("$more", 310)] {
            assert_eq!(cost(&document(inputs), &|_| more.clone()), expected, "{inputs}");
        }
    }

    #[test]
    fn the_size_of_a_page_is_an_argument_or_in_the_input() {
        let variable = Value::Object([(Name::new("first"), 40.into())].into_iter().collect());
        for (query, expected) in [
            ("{ apiTokens { nodes { id } } }", 10 + 2 * 25),
            ("{ apiTokens(first: 30) { nodes { id } } }", 10 + 2 * 30),
            ("mutation { revokeAPITokens(input: {first: 30}) { pageInfo { endCursor } } }", 10 + 2 * 30),
            ("mutation($i: I!) { revokeAPITokens(input: $i) { pageInfo { endCursor } } }", 10 + 2 * 40),
        ] {
            let document = async_graphql::parser::parse_query(query).unwrap();
            assert_eq!(cost(&document, &|_| variable.clone()), expected, "{query}");
        }
    }

    #[test]
    fn users_cost_as_much_when_they_are_only_counted() {
        for (query, expected) in [
            ("{ currentAPIToken { values { useCount } } }", 12),
            ("{ currentAPIToken { values { others: otherUserCount } } }", 31),
            ("{ currentAPIToken { values { users { count } } } }", 32),
        ] {
            let document = async_graphql::parser::parse_query(query).unwrap();
            assert_eq!(cost(&document, &|_| Value::Null), expected, "{query}");
        }
    }
}
