//! What the REST endpoints take: the fields of a body or of a query string, checked.

mod fields;
mod inputs;
mod query;

pub(super) use fields::{Fields, Input, input};
pub(super) use inputs::{ListInput, NoInput, ORDERS, RotateInput};
pub(super) use query::fields as query_fields;
