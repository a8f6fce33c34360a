//! The answer to one request, as section 7 of the specification shapes it: fields in the order in which they were asked, a
//! failed field as null, and null passed on where null may not stand.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, PathSegment, Response, ServerError, Value};
use serde::Serialize;

use crate::domain::redact::{holds_value, redact};
use crate::service::ErrorCode;

use super::error::RETRY_AFTER_SECONDS;
use super::fault::Fault;
use super::plan::PLACEHOLDER;

/// The answer to one request. Serialises as the body of the response; it may hold a value, so it cannot be printed (R9).
#[derive(Serialize)]
pub struct Answer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

/// A field at the root, as the answer must show it.
#[derive(Clone, Debug)]
pub(super) struct Root {
    pub(super) key: Name,
    /// Whether it may be null.
    pub(super) nullable: bool,
    /// Whether it issues a value, which is told once.
    pub(super) issues: bool,
}

impl Answer {
    /// Whether execution began; if not, the request itself was at fault.
    pub fn executed(&self) -> bool {
        self.data.is_some()
    }

    /// Whether it tells of any error.
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// After how many seconds what failed may succeed, the longest of all errors.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        let seconds = |err: &ServerError| match err.extensions.as_ref()?.get(RETRY_AFTER_SECONDS)? {
            Value::Number(seconds) => u32::try_from(seconds.as_u64()?).ok(),
            _ => None,
        };
        self.errors.iter().filter_map(seconds).max()
    }

    /// The answer to a request that was not executed.
    pub(super) fn refused(faults: Vec<Fault>) -> Self {
        let error = |fault: Fault| {
            let mut err = ServerError::new(&fault.failure.message, None);
            err.locations = fault.locations;
            err.extensions = Some(fault.failure.extensions());
            err
        };
        Self { errors: faults.into_iter().map(error).collect(), data: None }
    }

    /// The answer of these fields, to which these responses came, one for all or one a field.
    pub(super) fn of(roots: Vec<Root>, responses: Vec<Response>) -> Self {
        let mut values = IndexMap::new();
        let mut errors = Vec::new();
        for response in responses {
            errors.extend(response.errors);
            if let Value::Object(fields) = response.data {
                values.extend(fields);
            }
        }
        errors.iter_mut().for_each(complete);
        Self { errors, data: Some(by_the_book(roots, values)) }
    }

    /// Takes out what only kept objects from being empty.
    pub(super) fn without_placeholders(mut self) -> Self {
        fn strip(value: &mut Value) {
            match value {
                Value::Object(fields) => {
                    fields.shift_remove(PLACEHOLDER);
                    fields.values_mut().for_each(strip);
                }
                Value::List(items) => items.iter_mut().for_each(strip),
                _ => {}
            }
        }
        self.data.iter_mut().for_each(strip);
        self
    }
}

/// The data. A failed field that may not be null makes all of it null (section 6.4.4), unless a value was issued beside it:
/// that is told once and would be lost, so there the failed field alone is null.
fn by_the_book(roots: Vec<Root>, mut values: IndexMap<Name, Value>) -> Value {
    let failed = |root: &Root| !values.contains_key(&root.key);
    let broken = roots.iter().any(|root| failed(root) && !root.nullable);
    let issued = roots.iter().any(|root| root.issues && !failed(root));
    if broken && !issued {
        return Value::Null;
    }
    let told = roots.into_iter().map(|root| {
        let value = values.swap_remove(&root.key).unwrap_or_default();
        (root.key, value)
    });
    Value::Object(told.collect())
}

/// Gives a code to the errors that the library raises itself, and makes sure that none repeats a value (R9).
fn complete(err: &mut ServerError) {
    err.message = redact(&err.message).into_owned();
    for segment in &mut err.path {
        // A client finds the field by its response key, so that is left alone unless it is a value without doubt.
        if let PathSegment::Field(key) = segment
            && holds_value(key)
        {
            *key = redact(key).into_owned();
        }
    }
    let extensions = err.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        // The only errors that are not ours are inputs of a wrong form.
        extensions.set("code", ErrorCode::BadUserInput.as_str());
    }
}
