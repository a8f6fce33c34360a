//! One document may rotate a given API token once (R7).
//!
//! This is checked on the document, before execution, so that a document that breaks the rule changes nothing.

use std::collections::HashSet;

use async_graphql::parser::types::Field;
use async_graphql::{Name, Value};

use super::root_fields::ROTATE;

/// Whether these root fields of a mutation would rotate the same API token more than once. `own` is the id of the caller's token, which
/// is also the token that is rotated without an id.
pub(crate) fn rotates_twice(root_fields: &[&Field], variable: &impl Fn(&Name) -> Value, own: Option<&str>) -> bool {
    let rotations = root_fields.iter().filter(|field| field.name.node == ROTATE);
    let mut seen = HashSet::new();
    rotations
        .map(|field| target(field, variable).filter(|id| Some(id.as_str()) != own))
        .any(|target| !seen.insert(target))
}

/// The id of the token to rotate, if there is one.
fn target(field: &Field, variable: &impl Fn(&Name) -> Value) -> Option<String> {
    let input = field.get_argument("input")?.node.clone();
    let Value::Object(fields) = input.into_const_with(|name| Ok::<_, ()>(variable(&name))).ok()? else { return None };
    match fields.get("id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    }
}
