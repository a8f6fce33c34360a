//! Judging a presented value: the order of the rules, the two ways of applying them, what is remembered of values, and what a use
//! or a refusal does.

mod cache;
mod case;
mod drivers;
mod first_use;
mod lookup;
mod reuse;
mod uses;
mod visit;

pub(crate) use cache::Cache;
pub(crate) use case::{FirstUse, Judged};
pub(crate) use first_use::write_use;
pub(crate) use uses::Uses;
pub use visit::Visit;
