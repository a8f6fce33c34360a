//! The query string of a listing, as fields like those of a body.

use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::http::rejection::Rejection;

/// The one parameter that holds a list: `status=A,B` or `status=A&status=B`.
const LIST: &str = "status";
/// The parameters that hold a number.
const NUMBERS: [&str; 2] = ["first", "last"];

/// The parameters as fields. Each may be given once, but for the list.
pub(crate) fn fields(query: &str) -> Result<Map<String, Value>, Rejection> {
    let mut fields = Map::new();
    for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = value(&name, &text);
        match (fields.entry(name.into_owned()), value) {
            (Entry::Vacant(free), value) => drop(free.insert(value)),
            (Entry::Occupied(mut taken), Value::Array(more)) => {
                if let Value::Array(items) = taken.get_mut() {
                    items.extend(more);
                }
            }
            (Entry::Occupied(taken), _) => {
                return Err(Rejection::repeated("parameter", taken.key()));
            }
        }
    }
    Ok(fields)
}

fn value(name: &str, text: &str) -> Value {
    if name == LIST {
        return text.split(',').map(Value::from).collect();
    }
    // As JSON writes it: Rust reads a plus sign and leading zeros, too.
    let is_number = NUMBERS.contains(&name) && text.bytes().all(|byte| matches!(byte, b'-' | b'0'..=b'9'));
    let number = is_number.then(|| serde_json::from_str::<i64>(text).ok()).flatten();
    number.map_or_else(|| Value::from(text), Value::from)
}
