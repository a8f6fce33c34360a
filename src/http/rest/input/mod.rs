//! What the REST endpoints take: the fields of a body or of a query string, checked.

mod fields;
mod inputs;
mod query;

pub(super) use fields::Fields;
pub(super) use inputs::{CreateInput, ListInput, NoInput, ORDERS, RotateInput, UpdateInput};
pub(super) use query::fields as query_fields;
