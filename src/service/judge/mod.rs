//! Judging a presented value: the order of the rules, the two drivers, the cache, and the effects of a use or a refusal.

mod cache;
mod drivers;
mod judgement;
mod lookup;
mod record_refusal;
mod request_context;
mod unknown_lookups;
mod write_first_use;

pub(crate) use cache::{Cache, Known};
pub(crate) use judgement::{FirstUse, Judged};
pub use request_context::RequestContext;
pub(crate) use unknown_lookups::{LeakLookups, UnknownLookups};
pub(crate) use write_first_use::write_use;
