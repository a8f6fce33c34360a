//! Traces: a span for each request that is sampled, with spans for its work on the database, sent to a collector over OTLP.
//!
//! Sampling comes first: a request that is not sampled costs no more than that decision, and without a collector not even that. No span
//! contains a text of a client, but for identifiers that were checked (R9).
//!
//! The spans are made here and not by the SDK of OpenTelemetry, which reads the clock, random numbers and the environment by itself. Its
//! official protocol package defines what is sent.

mod collector;
mod exporter;
mod parent;
mod queue;
mod request;
mod sampling;
mod tracer;

pub use crate::outgoing::{Header, header};
pub use collector::Collector;
pub use request::{DatabaseSpan, Described, RequestTrace, database, note};
pub use tracer::{Sampled, Settings, Traces};
