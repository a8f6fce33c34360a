//! The inputs of the REST endpoints: the fields of a body or query string, and their validation.

mod fields;
mod filter;
mod inputs;
mod query;

pub(super) use fields::{Fields, Input, Readable, input};
pub(super) use filter::{FilterInput, read_filter};
pub(super) use inputs::{
    EndOverlapInput, Include, ListInput, NoInput, ORDERS, ReadInput, RehearsalInput, ReviveInput, RevokeInput,
    RevokeManyInput, RotateInput, SuspendInput,
};
pub(super) use query::fields as query_fields;
