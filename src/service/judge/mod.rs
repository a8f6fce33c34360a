//! Judging a presented value: what is known of it, whether it works here and now, and what its use does.

mod cache;
mod present;
mod recall;
mod uses;
mod visit;

pub(crate) use cache::Cache;
pub(crate) use present::Presented;
pub(crate) use uses::Uses;
pub use visit::Visit;
