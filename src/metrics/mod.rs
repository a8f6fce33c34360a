//! Metrics: what is counted while requests are served, and how Prometheus reads it.
//!
//! Each room keeps its own counters and describes its own metrics; this room has the types for both. It knows no other room. A
//! label's value is a `&'static str`, so no text of a client can become one (R9).

mod counter;
mod exposition;
mod family;
mod histogram;
mod process;
mod sampled;
mod shard;

pub use counter::{Counter, CounterByName};
pub use exposition::{Exposition, Format};
pub use family::{Family, Sample};
pub use histogram::{Distribution, Histogram, LATENCY_SECONDS};
pub use process::describe_process;
pub use sampled::SampledLatency;
pub use shard::ShardedCounter;
