//! Parses a query string into fields like those of a body.

use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::http::rejection::Rejection;

/// The parameters that are lists of words: `status=A,B` or `status=A&status=B`.
const LISTS: [&str; 3] = ["actions", "state", "status"];
/// The parameter that is a list of any texts: `metadata=a=1&metadata=b=2`.
const TEXTS: &str = "metadata";
/// The parameters that are numbers.
const NUMBERS: [&str; 5] = ["first", "generation", "last", "owners", "previousValueUsedWithinMinutes"];
/// The parameters that are true or false.
const BOOLEANS: [&str; 2] = ["overlapRunning", "dryRun"];

/// The parameters as fields. Only lists may be repeated.
pub(crate) fn fields(query: &str) -> Result<Map<String, Value>, Rejection> {
    let mut fields = Map::new();
    for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = value(&name, &text);
        match (fields.entry(name.into_owned()), value) {
            (Entry::Vacant(entry), value) => drop(entry.insert(value)),
            (Entry::Occupied(mut entry), Value::Array(more)) => {
                if let Value::Array(items) = entry.get_mut() {
                    items.extend(more);
                }
            }
            (Entry::Occupied(entry), _) => {
                return Err(Rejection::repeated("parameter", entry.key()));
            }
        }
    }
    Ok(fields)
}

fn value(name: &str, text: &str) -> Value {
    if LISTS.contains(&name) {
        return text.split(',').map(Value::from).collect();
    }
    if name == TEXTS {
        return [text].into_iter().map(Value::from).collect();
    }
    if let (true, Ok(value)) = (BOOLEANS.contains(&name), text.parse::<bool>()) {
        return Value::from(value);
    }
    // Parsed as JSON, because Rust also accepts a plus sign and leading zeros.
    let is_number = NUMBERS.contains(&name) && text.bytes().all(|byte| matches!(byte, b'-' | b'0'..=b'9'));
    let number = is_number.then(|| serde_json::from_str::<i64>(text).ok()).flatten();
    number.map_or_else(|| Value::from(text), Value::from)
}
