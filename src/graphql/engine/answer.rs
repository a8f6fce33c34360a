//! The answer to one request, in the response format of the specification (section 7): fields in the order of the document, a failed
//! field as null, and null propagated where the type does not allow it.

use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, PathSegment, Response, ServerError, Value};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::timestamp::Timestamp;
use crate::domain::value::{holds_value, redact};
use crate::graphql::document::extensions::end_response;
use crate::graphql::document::plan::PLACEHOLDER;
use crate::graphql::document::prepared::RootField;
use crate::graphql::error::RETRY_AFTER_SECONDS;
use crate::graphql::request_error::RequestError;
use crate::service::ErrorCode;

/// The answer to one request. It serialises as the body of the response, and may contain a token's value, so it cannot be printed (R9).
///
/// In place of `async_graphql::Response`, which always has `data`, and which several subscribers cannot share once it is serialised.
pub struct Answer {
    form: Form,
    /// Until when the caller's token must be rotated, if that is soon.
    rotate_soon_by: Option<Timestamp>,
}

enum Form {
    Built(Built),
    /// Already serialised, and shared by several subscribers. It has data and no errors.
    Serialised(Arc<RawValue>),
}

struct Built {
    errors: Vec<ServerError>,
    data: Option<Value>,
}

impl Answer {
    /// Whether execution began; if not, the request itself was invalid.
    pub fn executed(&self) -> bool {
        match &self.form {
            Form::Built(built) => built.data.is_some(),
            Form::Serialised(_) => true,
        }
    }

    /// Whether it has any error.
    pub fn has_errors(&self) -> bool {
        matches!(&self.form, Form::Built(built) if !built.errors.is_empty())
    }

    /// The code of its first error.
    pub fn first_error(&self) -> Option<ErrorCode> {
        let Form::Built(built) = &self.form else { return None };
        match built.errors.first()?.extensions.as_ref()?.get("code")? {
            Value::String(code) => ErrorCode::parse(code),
            _ => None,
        }
    }

    /// The serialised answer, to be shared by several subscribers.
    ///
    /// # Errors
    /// The answer itself, if it is not data alone.
    pub(crate) fn serialise(self) -> Result<Arc<RawValue>, Box<Self>> {
        if self.has_errors() || !self.executed() {
            return Err(Box::new(self));
        }
        self.raw().map(Arc::from).ok_or_else(|| Box::new(self))
    }

    /// The answer as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(1_024);
        self.write_to(&mut body);
        body
    }

    /// Appends the answer as JSON.
    pub fn write_to(&self, body: &mut Vec<u8>) {
        let Built { errors, data } = match &self.form {
            Form::Built(built) => built,
            Form::Serialised(text) => {
                let text = text.get();
                body.extend_from_slice(text.strip_suffix('}').unwrap_or(text).as_bytes());
                return end_response(self.rotate_soon_by, body);
            }
        };
        body.push(b'{');
        if !errors.is_empty() {
            body.extend_from_slice(br#""errors":"#);
            write_json(errors, body);
        }
        if let Some(data) = data {
            body.extend_from_slice(if errors.is_empty() { br#""data":"#.as_slice() } else { br#","data":"# });
            write_value(data, body);
        }
        end_response(self.rotate_soon_by, body);
    }

    /// The same answer, which says in `extensions` until when the caller's token must be rotated, if that is soon (R16).
    pub(crate) fn warning_of(self, rotate_soon_by: Option<Timestamp>) -> Self {
        Self { rotate_soon_by, ..self }
    }

    fn raw(&self) -> Option<Box<RawValue>> {
        RawValue::from_string(String::from_utf8(self.to_json()).ok()?).ok()
    }

    /// The answer that was serialised to this text.
    pub(crate) fn from_serialised(text: Arc<RawValue>) -> Self {
        Self { form: Form::Serialised(text), rotate_soon_by: None }
    }

    /// The answer that replaces one of more than so many bytes.
    pub(crate) fn too_large(max_bytes: usize) -> Self {
        let mut err = ServerError::new(too_large(max_bytes), None);
        complete(&mut err);
        Self::built(vec![err], Some(Value::Null))
    }

    fn built(errors: Vec<ServerError>, data: Option<Value>) -> Self {
        Self { form: Form::Built(Built { errors, data }), rotate_soon_by: None }
    }

    /// After how many seconds the client may retry: the longest time of all errors.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        let seconds = |err: &ServerError| match err.extensions.as_ref()?.get(RETRY_AFTER_SECONDS)? {
            Value::Number(seconds) => u32::try_from(seconds.as_u64()?).ok(),
            _ => None,
        };
        match &self.form {
            Form::Built(built) => built.errors.iter().filter_map(seconds).max(),
            Form::Serialised(_) => None,
        }
    }

    /// The answer to a request that was not executed.
    pub(crate) fn refused(errors: Vec<RequestError>) -> Self {
        let error = |error: RequestError| {
            let mut err = ServerError::new(&error.public.message, None);
            err.locations = error.locations;
            err.extensions = Some(error.public.extensions());
            err
        };
        Self::built(errors.into_iter().map(error).collect(), None)
    }

    /// The answer with these root fields, from the library's responses: one for all fields, or one for each.
    pub(crate) fn of(roots: Vec<RootField>, responses: Vec<Response>) -> Self {
        let mut values = IndexMap::new();
        let mut errors = Vec::new();
        for response in responses {
            errors.extend(response.errors);
            if let Value::Object(fields) = response.data {
                values.extend(fields);
            }
        }
        errors.iter_mut().for_each(complete);
        Self::built(errors, Some(data(roots, values)))
    }

    /// Removes the placeholders that kept planned selection sets from being empty.
    pub(crate) fn without_placeholders(mut self) -> Self {
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
        if let Form::Built(Built { data: Some(data), .. }) = &mut self.form {
            strip(data);
        }
        self
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let (Form::Serialised(text), None) = (&self.form, self.rotate_soon_by) {
            return text.serialize(serializer);
        }
        self.raw().ok_or_else(|| S::Error::custom("the answer is not JSON"))?.serialize(serializer)
    }
}

/// Appends a value as JSON. Bytes are JSON already ([`Written`](super::written::Written)).
fn write_value(value: &Value, body: &mut Vec<u8>) {
    match value {
        Value::Binary(json) => body.extend_from_slice(json),
        Value::Object(fields) => {
            body.push(b'{');
            for (place, (key, value)) in fields.iter().enumerate() {
                if place > 0 {
                    body.push(b',');
                }
                write_json(key, body);
                body.push(b':');
                write_value(value, body);
            }
            body.push(b'}');
        }
        Value::List(items) => {
            body.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    body.push(b',');
                }
                write_value(item, body);
            }
            body.push(b']');
        }
        leaf => write_json(leaf, body),
    }
}

fn write_json(value: &impl Serialize, body: &mut Vec<u8>) {
    // This cannot fail: the values are plain data, and writing to a Vec does not fail.
    let _ = serde_json::to_writer(body, value);
}

/// The response that replaces the remaining fields of a mutation, once the answer has more than so many bytes.
pub(crate) fn not_run(max_bytes: usize) -> Response {
    let message = format!("{} This field and those after it were not executed.", too_large(max_bytes));
    Response::from_errors(vec![ServerError::new(message, None)])
}

fn too_large(max_bytes: usize) -> String {
    format!("The answer is larger than {max_bytes} bytes. Ask for smaller pages or fewer fields, in several requests.")
}

/// The data. A failed field of a non-null type makes all of it null (section 6.4.4), unless another field issued a value: a value is
/// shown only once and would be lost, so then only the failed field is null.
fn data(roots: Vec<RootField>, mut values: IndexMap<Name, Value>) -> Value {
    let failed = |root: &RootField| !values.contains_key(&root.key);
    let broken = roots.iter().any(|root| failed(root) && !root.nullable);
    let issued = roots.iter().any(|root| root.issues && !failed(root));
    if broken && !issued {
        return Value::Null;
    }
    let fields = roots.into_iter().map(|root| {
        let value = values.swap_remove(&root.key).unwrap_or_default();
        (root.key, value)
    });
    Value::Object(fields.collect())
}

/// Adds a code to errors of the library, and redacts tokens' values (R9).
fn complete(err: &mut ServerError) {
    err.message = redact(&err.message).into_owned();
    for segment in &mut err.path {
        // Clients find the field by its response key, so a key is only redacted if it is certainly a token's value.
        if let PathSegment::Field(key) = segment
            && holds_value(key)
        {
            *key = redact(key).into_owned();
        }
    }
    let extensions = err.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        // The library itself only reports inputs of a wrong type.
        extensions.set("code", ErrorCode::BadUserInput.as_str());
    }
}
