//! Objects and lists that are resolved without a future on the heap for each of their fields and items.
//!
//! The library boxes a future for every field of every object, because a resolver may wait. Those of a stored object never do: what they
//! return has been read already. On a page, most of the time went into these boxes. [`Ready`] resolves the fields of an object one after
//! the other, with the same resolvers, and counts what the extension [`CountSize`](super::size::CountSize) would count. Selection sets
//! that have more than fields are left to the library.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection};
use async_graphql::registry::Registry;
use async_graphql::{ContainerType, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use super::size::Bound;

/// An object.
pub(crate) struct Ready<T>(T);

/// A list of leaves, or of [`Ready`] objects.
pub(crate) struct ReadyList<T>(Vec<T>);

impl<T> From<T> for Ready<T> {
    fn from(object: T) -> Self {
        Self(object)
    }
}

impl<T> Ready<T> {
    pub(crate) fn object(&self) -> &T {
        &self.0
    }
}

impl<T> ReadyList<T> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

impl<T> FromIterator<T> for ReadyList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: ContainerType> OutputType for Ready<T> {
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
        resolve_object(&self.0, ctx, field).await
    }
}

impl<T: OutputType> OutputType for ReadyList<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let bound = ctx.data_opt::<Bound>();
        let mut values = Vec::with_capacity(self.0.len());
        for (place, item) in self.0.iter().enumerate() {
            let ctx = ctx.with_index(place);
            let value = if bound.is_some_and(Bound::must_stop) {
                Value::Null
            } else {
                item.resolve(&ctx, field).await.map_err(|err| ctx.set_error_path(err))?
            };
            if let Some(bound) = bound {
                bound.count(&value);
            }
            values.push(value);
        }
        Ok(Value::List(values))
    }
}

/// The fields of an object. A failed field is left out, as the library does, and completed by the answer.
pub(super) async fn resolve_object<T: ContainerType>(
    object: &T,
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
) -> ServerResult<Value> {
    let selections = &ctx.item.node.items;
    if !selections.iter().all(|selection| is_plain(&selection.node)) || must_be_merged(selections) {
        return object.resolve(ctx, field).await;
    }
    let bound = ctx.data_opt::<Bound>();
    let mut values = IndexMap::with_capacity(selections.len());
    for selection in selections {
        let Selection::Field(selected) = &selection.node else { continue };
        let key = &selected.node.response_key().node;
        if selected.node.name.node == "__typename" {
            values.insert(key.clone(), Value::String(object.introspection_type_name().into_owned()));
            continue;
        }
        let ctx = ctx.with_field(selected);
        if bound.is_some_and(Bound::must_stop) {
            values.insert(key.clone(), Value::Null);
            continue;
        }
        match object.resolve_field(&ctx).await {
            Ok(value) => {
                let value = value.unwrap_or_default();
                if let Some(bound) = bound {
                    bound.count(&value);
                }
                values.insert(key.clone(), value);
            }
            Err(err) => ctx.add_error(err),
        }
    }
    Ok(if values.is_empty() { Value::Null } else { Value::Object(values) })
}

fn is_plain(selection: &Selection) -> bool {
    matches!(selection, Selection::Field(field) if field.node.directives.is_empty())
}

/// Whether a field has several selection sets. Found out before anything is resolved, because everything counts that is resolved.
fn must_be_merged(selections: &[Positioned<Selection>]) -> bool {
    let keys = || {
        selections.iter().filter_map(|selection| match &selection.node {
            Selection::Field(field) if !field.node.selection_set.node.items.is_empty() => {
                Some(field.node.response_key())
            }
            _ => None,
        })
    };
    keys().enumerate().any(|(number, key)| keys().take(number).any(|earlier| earlier.node == key.node))
}
