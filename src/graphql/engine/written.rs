//! Objects that are written as JSON at once.
//!
//! The library makes a tree of values of each object, with copies of its texts and response keys, and the tree is written later. On a
//! page of tokens, this took longer than the statement that reads them. [`Written`] turns a selection set into a list of functions
//! that write its fields, and applies this list to all objects of a list. Other selection sets are resolved as in [`ready`](super::ready).
//!
//! In the tree of the library, what is written is a value of bytes. Nothing else in the schema is.

use std::borrow::Cow;

use async_graphql::parser::types::{Field, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::{ContainerType, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use serde::Serialize;

use crate::graphql::document::direct::fields::{Fields, Write, json};

use super::ready::resolve_object;
use super::size::Bound;

/// An object that is written as JSON, if all of its selected fields can be.
pub(crate) struct Written<T>(T);

/// An object whose fields can be written as JSON.
pub(crate) trait WriteJson: ContainerType {
    /// The selected fields, and how each is written.
    type Fields: Send;

    /// How to write the fields of this selection set; `None` if this cannot write one of them.
    fn fields(set: &SelectionSet) -> Option<Self::Fields>;

    fn write(&self, fields: &Self::Fields, body: &mut JsonBody<'_>);
}

/// The JSON of an object. It stops growing when the answer is too large.
pub(crate) struct JsonBody<'a> {
    bytes: Vec<u8>,
    bound: Option<&'a Bound>,
}

impl<T> From<T> for Written<T> {
    fn from(object: T) -> Self {
        Self(object)
    }
}

impl<T: WriteJson> OutputType for Written<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Some(fields) = T::fields(&ctx.item.node) else { return resolve_object(&self.0, ctx, field).await };
        let mut body = JsonBody { bytes: Vec::with_capacity(512), bound: ctx.data_opt::<Bound>() };
        self.0.write(&fields, &mut body);
        Ok(body.into_value())
    }
}

impl JsonBody<'_> {
    /// Writes an object with these fields.
    pub(crate) fn object<T>(&mut self, fields: &Fields<T>, mut write: impl FnMut(&T, &mut Self)) {
        self.bytes.push(b'{');
        for (key, field) in fields {
            if self.is_too_large() {
                break;
            }
            self.bytes.extend_from_slice(key.as_bytes());
            write(field, self);
        }
        self.bytes.push(b'}');
    }

    pub(crate) fn list<T>(&mut self, items: impl Iterator<Item = T>, mut write: impl FnMut(T, &mut Self)) {
        self.bytes.push(b'[');
        for (place, item) in items.enumerate() {
            if self.is_too_large() {
                break;
            }
            if place > 0 {
                self.bytes.push(b',');
            }
            write(item, self);
        }
        self.bytes.push(b']');
    }

    pub(crate) fn field<T>(&mut self, of: &T, write: Write<T>) {
        write(of, &mut self.bytes);
    }

    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
    }

    pub(crate) fn json<T: Serialize + ?Sized>(&mut self, value: &T) {
        json(value, &mut self.bytes);
    }

    fn is_too_large(&self) -> bool {
        self.bound.is_some_and(|bound| bound.must_stop_at(self.bytes.len()))
    }

    /// What was written; null if the answer is too large, which is then discarded.
    fn into_value(self) -> Value {
        let is_too_large = self.is_too_large();
        if let Some(bound) = self.bound {
            bound.count_written(self.bytes.len());
        }
        if is_too_large { Value::Null } else { Value::Binary(self.bytes.into()) }
    }
}
